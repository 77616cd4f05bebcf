/// Draws a scene into pixels, with smooth edges.
///
/// A shape is a signed distance from its edge; a pixel takes the colour as far as its centre is inside.
struct Canvas {
  let width, height: Int
  /// Red, green and blue of each pixel, row by row.
  private(set) var pixels: [UInt8]

  private let scale: Double

  /// - Parameter scale: how many pixels are drawn for one of the scene.
  init(_ scene: Scene, scale: Double) {
    self.scale = scale
    width = Int((scene.width * scale).rounded(.up))
    height = Int((scene.height * scale).rounded(.up))
    pixels = [UInt8](repeating: 255, count: width * height * 3)
    for shape in scene.shapes { draw(shape) }
  }

  private mutating func draw(_ shape: Scene.Shape) {
    switch shape {
    case .rectangle(let first, let second, let color):
      let corners = [
        first, Scene.Point(second.x, first.y), second, Scene.Point(first.x, second.y),
      ]
      fill(corners, color)
    case .line(let points, let color, let width, let dashes):
      let parts = dashes.isEmpty ? [points] : Canvas.dashed(points, dashes)
      stroke(parts, color, width: width)
    case .band(let upper, let lower, let color, let opacity):
      for index in upper.indices.dropLast() {
        let corners = [upper[index], upper[index + 1], lower[index + 1], lower[index]]
        fill(corners, color, opacity: opacity)
      }
    case .mark(let mark, let place, let radius, let color):
      if let corners = Scene.corners(of: mark, at: place, radius: radius) {
        fill(corners, color)
      } else {
        stroke([[place, place]], color, width: 2 * radius)
      }
    case .text(let text):
      draw(text)
    }
  }

  private mutating func draw(_ text: Scene.Text) {
    let width = StrokeFont.width(text.text, size: text.size)
    let start = text.anchor == .start ? 0 : text.anchor == .middle ? -width / 2 : -width
    let lines = StrokeFont.lines(text.text, size: text.size).map { line in
      line.map { point in
        let along = start + point.x
        return text.isUpwards
          ? Scene.Point(text.place.x + point.y, text.place.y - along)
          : Scene.Point(text.place.x + along, text.place.y + point.y)
      }
    }
    stroke(lines, text.color, width: text.size * 0.095)
  }

  /// Draws lines of one colour with round ends.
  private mutating func stroke(_ lines: [[Scene.Point]], _ color: Scene.Color, width: Double) {
    let radius = width / 2 * scale
    for line in lines {
      for (start, end) in zip(line, line.dropFirst()) {
        let (a, b) = (scaled(start), scaled(end))
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let square = dx * dx + dy * dy
        cover([a, b], margin: radius, color) { x, y in
          let along = square > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / square : 0
          let nearest = min(1, max(0, along))
          let (ex, ey) = (x - a.x - nearest * dx, y - a.y - nearest * dy)
          return (ex * ex + ey * ey).squareRoot() - radius
        }
      }
    }
  }

  /// Fills a convex polygon.
  private mutating func fill(
    _ corners: [Scene.Point], _ color: Scene.Color, opacity: Double = 1
  ) {
    let points = corners.map(scaled)
    // Twice the area tells the direction of the corners.
    let area = points.indices.reduce(0.0) { sum, index in
      let (a, b) = (points[index], points[(index + 1) % points.count])
      return sum + a.x * b.y - b.x * a.y
    }
    let direction: Double = area < 0 ? -1 : 1
    let edges = points.indices.compactMap { index -> (Scene.Point, Double, Double)? in
      let (a, b) = (points[index], points[(index + 1) % points.count])
      let (dx, dy) = (b.x - a.x, b.y - a.y)
      let length = (dx * dx + dy * dy).squareRoot()
      return length > 0 ? (a, direction * dy / length, -direction * dx / length) : nil
    }
    cover(points, margin: 0, color, opacity: opacity) { x, y in
      edges.reduce(-Double.infinity) { distance, edge in
        max(distance, (x - edge.0.x) * edge.1 + (y - edge.0.y) * edge.2)
      }
    }
  }

  private func scaled(_ point: Scene.Point) -> Scene.Point {
    Scene.Point(point.x * scale, point.y * scale)
  }

  /// Mixes a colour into the pixels around some points by their distance from the edge.
  private mutating func cover(
    _ points: [Scene.Point], margin: Double, _ color: Scene.Color, opacity: Double = 1,
    distance: (Double, Double) -> Double
  ) {
    let reach = margin + 1
    let xs = points.map(\.x)
    let ys = points.map(\.y)
    let columns = Canvas.range((xs.min() ?? 0) - reach, (xs.max() ?? 0) + reach, width)
    let rows = Canvas.range((ys.min() ?? 0) - reach, (ys.max() ?? 0) + reach, height)
    for row in rows {
      for column in columns {
        let inside = 0.5 - distance(Double(column) + 0.5, Double(row) + 0.5)
        if inside <= 0 { continue }
        mix(color, min(1, inside) * opacity, at: (row * width + column) * 3)
      }
    }
  }

  private mutating func mix(_ color: Scene.Color, _ part: Double, at index: Int) {
    for (offset, value) in [color.red, color.green, color.blue].enumerated() {
      let old = Double(pixels[index + offset])
      pixels[index + offset] = UInt8((old + (Double(value) - old) * part).rounded())
    }
  }

  private static func range(_ low: Double, _ high: Double, _ count: Int) -> Range<Int> {
    let first = min(max(0, Int(low.rounded(.down))), count)
    return first..<max(first, min(count, Int(high.rounded(.up))))
  }

  /// Cuts a line into its dashes.
  private static func dashed(_ points: [Scene.Point], _ dashes: [Double]) -> [[Scene.Point]] {
    var result: [[Scene.Point]] = []
    var index = 0
    var left = dashes[0]
    var current: [Scene.Point] = Array(points.prefix(1))
    for (start, end) in zip(points, points.dropFirst()) {
      let (dx, dy) = (end.x - start.x, end.y - start.y)
      let length = (dx * dx + dy * dy).squareRoot()
      var done = 0.0
      while length - done > left {
        done += left
        let point = Scene.Point(start.x + dx * done / length, start.y + dy * done / length)
        if index % 2 == 0 { result.append(current + [point]) }
        index += 1
        left = dashes[index % dashes.count]
        current = [point]
      }
      left -= length - done
      current.append(end)
    }
    if index % 2 == 0 { result.append(current) }
    return result
  }
}
