import Plotting

/// Lines over episodes as SVG that fits its column and takes its colours from the page.
struct EpisodeChart {
  /// A line.
  struct Line {
    let name: String
    /// A value for each episode; none is drawn where there is none.
    let values: [Double?]
    /// The class that tells its colour: `a`, `b`, `c` or `d`.
    let look: String
  }

  /// An area between two lines.
  struct Band {
    let name: String
    let low: [Double?]
    let high: [Double?]
  }

  let title: String
  let episodes: [Int]
  var lines: [Line]
  var band: Band?
  var includesZero = true

  private static let (width, height) = (520.0, 300.0)
  private static let (left, right, top, bottom) = (58.0, 12.0, 14.0, 40.0)

  /// Whether there is anything to draw.
  var isEmpty: Bool { !lines.contains { $0.values.contains { $0 != nil } } && band == nil }

  /// The chart with its title and legend.
  var html: String {
    let band = band
    let values = lines.flatMap(\.values) + (band.map { $0.low + $0.high } ?? [])
    let scale = Scale(values.compactMap { $0 }, count: 5, includesZero: includesZero)
    var parts = [
      "<figure><figcaption>\(HTMLText.escaped(title))</figcaption>",
      "<svg viewBox=\"0 0 520 300\" role=\"img\" aria-label=\"\(HTMLText.escaped(title))\">",
    ]
    parts += axes(scale)
    if let band { parts += area(band, scale) }
    for line in lines { parts += draw(line, scale) }
    parts.append("</svg>")
    parts.append("<p class=\"legend\">")
    for line in lines {
      parts.append(
        "<span><svg class=\"key\" viewBox=\"0 0 30 6\" aria-hidden=\"true\">"
          + "<polyline class=\"\(line.look)\" points=\"0,3 30,3\"/></svg>"
          + "\(HTMLText.escaped(line.name))</span>")
    }
    if let band {
      parts.append("<span><span class=\"key band\"></span>\(HTMLText.escaped(band.name))</span>")
    }
    return (parts + ["</p></figure>"]).joined(separator: "\n")
  }

  private func x(_ index: Int) -> Double {
    let span = EpisodeChart.width - EpisodeChart.left - EpisodeChart.right
    let first = Double(episodes.first ?? 0)
    let length = max(1, Double(episodes.last ?? 1) - first)
    let part = episodes.count == 1 ? 0.5 : (Double(episodes[index]) - first) / length
    return EpisodeChart.left + span * part
  }

  private func y(_ value: Double, _ scale: Scale) -> Double {
    let span = EpisodeChart.height - EpisodeChart.top - EpisodeChart.bottom
    return EpisodeChart.top + span * (1 - scale.part(value))
  }

  private func axes(_ scale: Scale) -> [String] {
    let end = number(EpisodeChart.width - EpisodeChart.right)
    var parts = scale.ticks.map { tick in
      let y = number(y(tick, scale))
      return "<line class=\"grid\" x1=\"58\" x2=\"\(end)\" y1=\"\(y)\" y2=\"\(y)\"/>"
        + "<text x=\"52\" y=\"\(y)\" dy=\"4\" text-anchor=\"end\">\(scale.text(tick))</text>"
    }
    let step = max(1, (episodes.count + 7) / 8)
    for index in stride(from: 0, to: episodes.count, by: step) {
      parts.append(
        "<text x=\"\(number(x(index)))\" y=\"278\" text-anchor=\"middle\">\(episodes[index])</text>"
      )
    }
    parts.append(
      "<text x=\"288\" y=\"296\" text-anchor=\"middle\">episode</text>")
    return parts
  }

  private func draw(_ line: Line, _ scale: Scale) -> [String] {
    let points = episodes.indices.compactMap { index -> (Int, Double)? in
      line.values[index].map { (index, $0) }
    }
    guard !points.isEmpty else { return [] }
    let places = points.map { "\(number(x($0.0))),\(number(y($0.1, scale)))" }
    var parts = ["<polyline class=\"\(line.look)\" points=\"\(places.joined(separator: " "))\"/>"]
    // Points tell their values; a long run would be all points.
    if points.count <= 200 {
      parts += points.map { index, value in
        "<circle class=\"\(line.look)\" cx=\"\(number(x(index)))\" cy=\"\(number(y(value, scale)))\" "
          + "r=\"\(points.count > 60 ? 1.5 : 3)\"><title>episode \(episodes[index]), "
          + "\(HTMLText.escaped(line.name)): \(NumberText.short(value))</title></circle>"
      }
    }
    return parts
  }

  private func area(_ band: Band, _ scale: Scale) -> [String] {
    let known = episodes.indices.filter { band.low[$0] != nil && band.high[$0] != nil }
    let upper = known.map { "\(number(x($0))),\(number(y(band.high[$0] ?? 0, scale)))" }
    let lower = known.reversed().map { "\(number(x($0))),\(number(y(band.low[$0] ?? 0, scale)))" }
    return ["<polygon class=\"band\" points=\"\((upper + lower).joined(separator: " "))\"/>"]
  }

  /// Tenths of a pixel are enough.
  private func number(_ value: Double) -> String {
    let text = ((value * 10).rounded() / 10).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
