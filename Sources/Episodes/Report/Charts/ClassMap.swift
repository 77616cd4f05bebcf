import Plotting

/// A family of numbers over episodes, such as the recall of each class: too many for lines, so the darker, the
/// larger.
struct ClassMap {
  let title: String
  let names: [String]
  let episodes: [Int]
  /// For each name, a value for each episode.
  let values: [[Double?]]

  /// More cells than this in a row or a column could not be told apart; neighbours share one then.
  private static let maximumCount = 50

  /// The figure.
  var html: String {
    let finite = values.joined().compactMap { $0 }.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    let rows = ClassMap.parts(names.count)
    let columns = ClassMap.parts(episodes.count)
    // Some names are enough.
    let step = (rows.count + 11) / 12
    let labels = rows.indices.filter { $0 % step == 0 }.map { row in
      (
        part: 1 - (Double(row) + 0.5) / Double(rows.count),
        text: Label.shortened(names[rows[row].lowerBound], to: 80, size: 13)
      )
    }
    let frame = ChartFrame(
      first: Double(episodes.first ?? 0), last: Double(episodes.last ?? 1), xTitle: "episode",
      yTexts: labels)
    var scene = Scene(
      width: ChartFrame.width, height: ChartFrame.height,
      title: "\(title) from \(NumberText.short(low)) to \(NumberText.short(high))")
    frame.draw(&scene)
    for (row, names) in rows.enumerated() {
      for (column, places) in columns.enumerated() {
        let cells = names.flatMap { name in places.compactMap { values[name][$0] } }
        guard !cells.isEmpty else { continue }
        let mean = cells.reduce(0, +) / Double(cells.count)
        let part = high > low ? (mean - low) / (high - low) : 1
        scene.add(
          cell(row, rows.count, column, columns.count, frame, opacity: 0.06 + 0.94 * part))
      }
    }
    return """
      <figure>
      <figcaption>\(MarkupText.escaped(title))</figcaption>
      \(SVGWriter.element(scene, variables: ChartColors.variables))
      <p class="legend"><span class="ramp"></span>\(NumberText.short(low)) to \(NumberText.short(high))</p>
      </figure>
      """
  }

  private func cell(
    _ row: Int, _ rowCount: Int, _ column: Int, _ columnCount: Int, _ frame: ChartFrame,
    opacity: Double
  ) -> Scene.Shape {
    let width = (frame.right - frame.left) / Double(columnCount)
    let height = (frame.bottom - frame.top) / Double(rowCount)
    let (x, y) = (frame.left + width * Double(column), frame.top + height * Double(row))
    return .band(
      upper: [.init(x, y), .init(x + width, y)],
      lower: [.init(x, y + height), .init(x + width, y + height)],
      ChartColors.line(0).color, opacity: opacity)
  }

  private static func parts(_ count: Int) -> [Range<Int>] {
    let parts = min(count, maximumCount)
    return (0..<parts).map { $0 * count / parts..<($0 + 1) * count / parts }
  }
}
