/// Values of several series at named places along an axis.
package struct LineChart: Sendable {
  /// A line.
  package struct Series: Sendable {
    /// The name in the legend.
    package let name: String
    /// A value for each place; none is drawn where it is not finite.
    package let values: [Double]

    package init(name: String, values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  /// What the picture shows.
  package let title: String
  /// What the places are.
  package let placeTitle: String
  /// What a value is, with its unit.
  package let valueTitle: String
  /// The names of the places.
  package let places: [String]
  /// The lines.
  package let series: [Series]
  /// What the names of the series mean, under the legend.
  package let notes: [String]

  package init(
    title: String, placeTitle: String, valueTitle: String, places: [String], series: [Series],
    notes: [String]
  ) {
    self.title = title
    self.placeTitle = placeTitle
    self.valueTitle = valueTitle
    self.places = places
    self.series = series
    self.notes = notes
  }

  private static let margin = 24.0
  private static let maximumNameWidth = 190.0
  private static let maximumNoteWidth = 230.0
  private static let legendLine = 20.0
  private static let legendRows = 16

  private var legendColumn: Double {
    (series.map { Label.width($0.name, size: 12) }.max() ?? 0) + 62
  }

  /// The picture.
  package var scene: Scene {
    let names = places.map { Label.shortened($0, to: LineChart.maximumNameWidth, size: 12) }
    let range = Scale(series.flatMap(\.values), .fromZero)
    let tickWidth = range.ticks.map { Label.width(range.text($0), size: 12) }.max() ?? 0
    let left = LineChart.margin + 26 + tickWidth
    let top = LineChart.margin + 34
    let notes = notes.map { Label.shortened($0, to: LineChart.maximumNoteWidth, size: 12) }
    let legendHeight =
      Double(min(series.count, LineChart.legendRows) + notes.count + 1) * LineChart.legendLine
    let nameHeight = names.map { Label.width($0, size: 12) }.max() ?? 0
    let below = nameHeight + 44
    let plot = Scene.Point(
      max(360, min(900, 34 * Double(places.count))), max(300, legendHeight - below))
    let legendX = left + plot.x + 28
    let columns = (series.count + LineChart.legendRows - 1) / LineChart.legendRows
    let legendWidth = max(
      Double(columns) * legendColumn, notes.map { Label.width($0, size: 12) }.max() ?? 0)
    let height = max(top + plot.y + below, top + legendHeight) + LineChart.margin
    let width =
      max(
        legendX + legendWidth, LineChart.margin + Label.width(title, size: 15)) + LineChart.margin
    var scene = Scene(width: width, height: height, title: title)
    scene.add(.text(Scene.Text(title, at: Scene.Point(LineChart.margin, 34), size: 15)))
    let frame = PlotFrame(left: left, top: top, width: plot.x, height: plot.y)
    drawAxes(&scene, frame, range, names, nameHeight: nameHeight)
    for (index, line) in series.enumerated() { draw(line, index, &scene, frame, range) }
    drawLegend(&scene, x: legendX, top: top, notes)
    return scene
  }

  /// Names of places that stand too close are left out, so that the rest can be read.
  private func nameStep(_ frame: PlotFrame) -> Int {
    max(1, Int((15 * Double(places.count) / frame.width).rounded(.up)))
  }

  private func x(_ place: Int, _ frame: PlotFrame) -> Double {
    frame.left + frame.width * (Double(place) + 0.5) / Double(places.count)
  }

  private func drawAxes(
    _ scene: inout Scene, _ frame: PlotFrame, _ range: Scale, _ names: [String],
    nameHeight: Double
  ) {
    frame.drawHorizontalTicks(&scene, range)
    let step = nameStep(frame)
    for (place, name) in names.enumerated() where place % step == 0 {
      let x = x(place, frame)
      scene.addLine(Scene.Point(x, frame.bottom), Scene.Point(x, frame.bottom + 4), .gray)
      scene.add(
        .text(
          Scene.Text(
            name, at: Scene.Point(x + 4, frame.bottom + 10), size: 12, anchor: .end,
            isUpwards: true)))
    }
    frame.drawTitles(
      &scene, x: placeTitle, y: valueTitle, xTitleY: frame.bottom + nameHeight + 34,
      yTitleX: LineChart.margin + 8)
  }

  private func draw(
    _ line: Series, _ index: Int, _ scene: inout Scene, _ frame: PlotFrame, _ range: Scale
  ) {
    let look = Palette.series(index)
    var points: [Scene.Point] = []
    for (place, value) in line.values.enumerated() {
      if value.isFinite {
        points.append(Scene.Point(x(place, frame), frame.y(range.part(value))))
      }
      if !value.isFinite || place == line.values.count - 1 {
        if points.count > 1 {
          scene.add(.line(points, look.color, width: 1.6, dashes: look.dashes))
        }
        // Many marks would hide the lines.
        let step = max(1, places.count / 40)
        for (number, point) in points.enumerated() where number % step == 0 {
          scene.add(.mark(look.mark, point, radius: 3.2, look.color))
        }
        points = []
      }
    }
  }

  private func drawLegend(_ scene: inout Scene, x: Double, top: Double, _ notes: [String]) {
    for (index, line) in series.enumerated() {
      let look = Palette.series(index)
      let left = x + Double(index / LineChart.legendRows) * legendColumn
      let y = top + 8 + Double(index % LineChart.legendRows) * LineChart.legendLine
      let (start, end) = (Scene.Point(left, y), Scene.Point(left + 34, y))
      scene.add(.line([start, end], look.color, width: 1.6, dashes: look.dashes))
      scene.add(.mark(look.mark, Scene.Point(left + 17, y), radius: 3.2, look.color))
      scene.add(.text(Scene.Text(line.name, at: Scene.Point(left + 42, y + 4.2), size: 12)))
    }
    let first = top + 16 + Double(min(series.count, LineChart.legendRows)) * LineChart.legendLine
    for (index, note) in notes.enumerated() {
      let y = first + Double(index) * LineChart.legendLine
      scene.add(.text(Scene.Text(note, at: Scene.Point(x, y + 4.2), size: 12, color: .gray)))
    }
  }
}
