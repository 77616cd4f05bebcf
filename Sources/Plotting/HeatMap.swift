/// A square of values for all pairs, with the numbers in it.
package struct HeatMap: Sendable {
  /// What the picture shows.
  package let title: String
  /// What a value is, with its unit.
  package let valueTitle: String
  /// The names of the rows, which are also the columns.
  package let names: [String]
  /// The values; the diagonal is not shown.
  package let values: [[Double]]

  package init(title: String, valueTitle: String, names: [String], values: [[Double]]) {
    self.title = title
    self.valueTitle = valueTitle
    self.names = names
    self.values = values
  }

  private static let margin = 24.0
  private static let maximumNameWidth = 320.0
  private static let barWidth = 18.0

  /// The picture.
  package var scene: Scene {
    let count = Double(names.count)
    let cell = max(26, min(76, 640 / count))
    let labels = names.enumerated().map { index, name in
      Label.shortened("\(index + 1)  \(name)", to: HeatMap.maximumNameWidth)
    }
    let left = HeatMap.margin + (labels.map { Label.width($0) }.max() ?? 0) + 10
    let top = HeatMap.margin + 52
    let side = cell * count
    let height = max(side, 150)
    let range = Scale(offDiagonal, .linear)
    let tickWidth = range.ticks.map { Label.width(range.text($0), size: 12) }.max() ?? 0
    let bar = left + side + 28
    let width = max(
      bar + HeatMap.barWidth + tickWidth + 46, HeatMap.margin * 2 + Label.width(title, size: 15))
    var scene = Scene(width: width, height: top + height + HeatMap.margin, title: title)
    scene.add(.text(Scene.Text(title, at: Scene.Point(HeatMap.margin, 34), size: 15)))
    drawCells(&scene, left: left, top: top, cell: cell, range)
    for (index, label) in labels.enumerated() {
      let middle = (Double(index) + 0.5) * cell
      scene.add(
        .text(Scene.Text(label, at: Scene.Point(left - 10, top + middle + 4.5), anchor: .end)))
      scene.add(
        .text(
          Scene.Text(String(index + 1), at: Scene.Point(left + middle, top - 8), anchor: .middle)))
    }
    drawBar(&scene, x: bar, top: top, height: height, tickWidth: tickWidth, range)
    return scene
  }

  private var offDiagonal: [Double] {
    values.enumerated().flatMap { row, line in
      line.enumerated().filter { $0.offset != row }.map(\.element)
    }
  }

  private func drawCells(
    _ scene: inout Scene, left: Double, top: Double, cell: Double, _ range: Scale
  ) {
    let texts = values.map { $0.map { NumberText.text($0, significantDigits: cell < 44 ? 2 : 4) } }
    let widest = texts.joined().map { Label.width($0, size: 13) }.max() ?? 1
    let size = min(13, 13 * (cell - 6) / widest)
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() {
        let corner = Scene.Point(left + Double(column) * cell, top + Double(row) * cell)
        let opposite = Scene.Point(corner.x + cell, corner.y + cell)
        let middle = Scene.Point(corner.x + cell / 2, corner.y + cell / 2 + size * 0.36)
        if row == column {
          scene.add(.rectangle(corner, opposite, .white))
          scene.addLine(corner, opposite, .faint)
          continue
        }
        let part = value.isFinite ? range.part(value) : 0
        scene.add(.rectangle(corner, opposite, value.isFinite ? Palette.sequential(part) : .faint))
        // Smaller numbers could not be read.
        if size >= 7 {
          scene.add(
            .text(
              Scene.Text(
                texts[row][column], at: middle, size: size, anchor: .middle,
                color: Palette.ink(on: part))))
        }
      }
    }
    let side = cell * Double(names.count)
    for index in 0...names.count {
      let offset = Double(index) * cell
      let isEdge = index == 0 || index == names.count
      let color: Scene.Color = isEdge ? .gray : .white
      scene.addLine(Scene.Point(left, top + offset), Scene.Point(left + side, top + offset), color)
      scene.addLine(Scene.Point(left + offset, top), Scene.Point(left + offset, top + side), color)
    }
  }

  private func drawBar(
    _ scene: inout Scene, x: Double, top: Double, height: Double, tickWidth: Double,
    _ range: Scale
  ) {
    let steps = 64
    for step in 0..<steps {
      let high = top + height * Double(steps - step - 1) / Double(steps)
      // Each part reaches under the next one, so that no gap shows.
      let low = min(top + height, high + height / Double(steps) + 0.5)
      scene.add(
        .rectangle(
          Scene.Point(x, high), Scene.Point(x + HeatMap.barWidth, low),
          Palette.sequential((Double(step) + 0.5) / Double(steps))))
    }
    for tick in range.ticks {
      let y = top + height * (1 - range.part(tick))
      scene.addLine(
        Scene.Point(x + HeatMap.barWidth, y), Scene.Point(x + HeatMap.barWidth + 4, y), .gray)
      scene.add(
        .text(
          Scene.Text(
            range.text(tick), at: Scene.Point(x + HeatMap.barWidth + 8, y + 4), size: 12)))
    }
    scene.add(
      .text(
        Scene.Text(
          valueTitle,
          at: Scene.Point(x + HeatMap.barWidth + tickWidth + 26, top + height / 2), size: 12,
          anchor: .middle, isUpwards: true)))
  }
}
