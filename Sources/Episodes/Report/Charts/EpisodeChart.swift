import JSONText
import Plotting

/// Lines over episodes or iterations, as a figure of a page: with its colours, and with its values for whoever
/// points at them.
struct EpisodeChart {
  /// A value at a place.
  struct Point {
    let x, y: Double
  }

  /// A line.
  struct Line {
    let name: String
    let points: [Point]

    /// A line through the values that are there.
    init(_ name: String, _ points: [(x: Double, y: Double?)]) {
      self.name = name
      self.points = points.compactMap { point in
        point.y.flatMap { $0.isFinite ? Point(x: point.x, y: $0) : nil }
      }
    }
  }

  /// An area between two lines.
  struct Band {
    let name: String
    let low, high: Line
  }

  var title: String
  var xTitle = "episode"
  var lines: [Line]
  var band: Band?
  var scale = Scale.Kind.fromZero

  /// Marks of more points than this would hide the line.
  private static let maximumMarks = 60

  /// Whether there is anything to draw.
  var isEmpty: Bool { all.allSatisfy(\.points.isEmpty) }

  private var all: [Line] { lines + (band.map { [$0.low, $0.high] } ?? []) }

  /// The figure with its title, its values and its legend.
  var html: String {
    let range = Scale(all.flatMap(\.points).map(\.y), count: 5, scale)
    let xs = Set(all.flatMap(\.points).map(\.x)).sorted()
    let frame = ChartFrame(
      first: xs.first ?? 0, last: xs.last ?? 1, xTitle: xTitle,
      yTexts: range.ticks.map { (range.part($0), range.text($0)) })
    let title = title + (range.isLogarithmic ? " (logarithmic)" : "")
    var scene = Scene(width: ChartFrame.width, height: ChartFrame.height, title: spoken(title))
    frame.draw(&scene)
    if let band { draw(band, &scene, frame, range) }
    for (index, line) in lines.enumerated() { draw(line, index, &scene, frame, range) }
    return """
      <figure tabindex="0" data-chart="\(MarkupText.escaped(values(xs, frame).text))">
      <figcaption>\(MarkupText.escaped(title))</figcaption>
      <output></output>
      \(SVGWriter.element(scene, variables: ChartColors.variables))
      <p class="legend">\(legend)</p>
      </figure>
      """
  }

  private func draw(
    _ line: Line, _ index: Int, _ scene: inout Scene, _ frame: ChartFrame, _ range: Scale
  ) {
    let look = ChartColors.line(index)
    let points = line.points.map { Scene.Point(frame.x($0.x), frame.y(range.part($0.y))) }
    if points.count > 1 { scene.add(.line(points, look.color, width: 2, dashes: look.dashes)) }
    if points.count <= EpisodeChart.maximumMarks {
      for point in points { scene.add(.mark(.circle, point, radius: 2.5, look.color)) }
    }
  }

  private func draw(_ band: Band, _ scene: inout Scene, _ frame: ChartFrame, _ range: Scale) {
    let (upper, lower) = (band.high, band.low)
    func points(_ line: Line) -> [Scene.Point] {
      line.points.map { Scene.Point(frame.x($0.x), frame.y(range.part($0.y))) }
    }
    scene.add(
      .band(
        upper: points(upper), lower: points(lower), ChartColors.line(0).color, opacity: 0.25))
    // The area alone is faint.
    for line in [upper, lower] where line.points.count > 1 {
      scene.add(.line(points(line), ChartColors.text, width: 0.8, dashes: []))
    }
  }

  private var legend: String {
    var parts = lines.enumerated().map { index, line -> String in
      let look = ChartColors.line(index)
      var key = Scene(width: 30, height: 6, title: "")
      key.add(.line([.init(0, 3), .init(30, 3)], look.color, width: 2, dashes: look.dashes))
      let svg = SVGWriter.element(key, variables: ChartColors.variables)
      return "<span><span class=\"key\" aria-hidden=\"true\">\(svg)</span>"
        + "\(MarkupText.escaped(line.name))</span>"
    }
    if let band {
      parts.append(
        "<span><span class=\"key band\"></span>\(MarkupText.escaped(band.name))</span>")
    }
    return parts.joined()
  }

  /// What the picture shows, for those who cannot see it.
  private func spoken(_ title: String) -> String {
    let parts = lines.compactMap { line -> String? in
      guard let first = line.points.first, let last = line.points.last else { return nil }
      return "\(line.name) from \(NumberText.short(first.y)) at \(NumberText.short(first.x)) to "
        + "\(NumberText.short(last.y)) at \(NumberText.short(last.x))"
    }
    return ([title] + parts).joined(separator: "; ")
  }

  /// The numbers behind the lines, and where the plot lies: what the page's script shows.
  private func values(_ xs: [Double], _ frame: ChartFrame) -> JSONValue {
    func number(_ value: Double) -> JSONValue {
      .number(NumberText.text(value, significantDigits: 6))
    }
    let series = all.map { line -> JSONValue in
      let known = Dictionary(
        line.points.map { ($0.x, $0.y) }, uniquingKeysWith: { _, last in last })
      return .array([.string(line.name), .array(xs.map { known[$0].map(number) ?? .null })])
    }
    return .object([
      JSONValue.Member("place", .string(xTitle)), JSONValue.Member("x", .array(xs.map(number))),
      JSONValue.Member("left", number(frame.left)), JSONValue.Member("right", number(frame.right)),
      JSONValue.Member("top", number(frame.top)), JSONValue.Member("bottom", number(frame.bottom)),
      JSONValue.Member("width", number(ChartFrame.width)),
      JSONValue.Member("lines", .array(series)),
    ])
  }
}
