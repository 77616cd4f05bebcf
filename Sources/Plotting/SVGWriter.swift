/// Writes a scene as SVG.
package struct SVGWriter {
  /// What stands for colours in a page that has light and dark ones; empty in a file of its own.
  private let variables: [Scene.Color: String]

  /// The text of a file.
  package static func text(_ scene: Scene) -> String {
    let (width, height) = (number(scene.width), number(scene.height))
    let lines =
      [
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
          + "viewBox=\"0 0 \(width) \(height)\" role=\"img\" "
          + "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">",
        "<title>\(MarkupText.escaped(scene.title))</title>",
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      ] + SVGWriter(variables: [:]).elements(scene) + ["</svg>"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// The element for a page, which fits its column.
  ///
  /// - Parameter variables: the CSS variables that stand for colours.
  package static func element(_ scene: Scene, variables: [Scene.Color: String]) -> String {
    let title = MarkupText.escaped(scene.title)
    let lines =
      [
        "<svg viewBox=\"0 0 \(number(scene.width)) \(number(scene.height))\" role=\"img\" "
          + "aria-label=\"\(title)\">"
      ] + SVGWriter(variables: variables).elements(scene) + ["</svg>"]
    return lines.joined(separator: "\n")
  }

  private func elements(_ scene: Scene) -> [String] { scene.shapes.map(element) }

  private func element(_ shape: Scene.Shape) -> String {
    switch shape {
    case .rectangle(let first, let second, let color):
      return
        "<rect x=\"\(number(min(first.x, second.x)))\" y=\"\(number(min(first.y, second.y)))\" "
        + "width=\"\(number(abs(second.x - first.x)))\" "
        + "height=\"\(number(abs(second.y - first.y)))\" fill=\"\(paint(color))\"/>"
    case .line(let points, let color, let width, let dashes):
      let dashes =
        dashes.isEmpty
        ? "" : " stroke-dasharray=\"\(dashes.map(number).joined(separator: " "))\""
      return "<polyline points=\"\(list(points))\" fill=\"none\" stroke=\"\(paint(color))\" "
        + "stroke-width=\"\(number(width))\" stroke-linejoin=\"round\"\(dashes)/>"
    case .band(let upper, let lower, let color, let opacity):
      return "<polygon points=\"\(list(upper + lower.reversed()))\" fill=\"\(paint(color))\" "
        + "fill-opacity=\"\(number(opacity))\"/>"
    case .mark(let mark, let place, let radius, let color):
      if let corners = Scene.corners(of: mark, at: place, radius: radius) {
        return "<polygon points=\"\(list(corners))\" fill=\"\(paint(color))\"/>"
      }
      return "<circle cx=\"\(number(place.x))\" cy=\"\(number(place.y))\" "
        + "r=\"\(number(radius))\" fill=\"\(paint(color))\"/>"
    case .text(let text):
      return element(text)
    }
  }

  private func element(_ text: Scene.Text) -> String {
    let (x, y) = (number(text.place.x), number(text.place.y))
    let turn = text.isUpwards ? " transform=\"rotate(-90 \(x) \(y))\"" : ""
    let anchor = text.anchor == .start ? "" : " text-anchor=\"\(text.anchor.rawValue)\""
    return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(number(text.size))\" "
      + "fill=\"\(paint(text.color))\"\(anchor)\(turn)>\(MarkupText.escaped(text.text))</text>"
  }

  private func paint(_ color: Scene.Color) -> String {
    variables[color].map { "var(\($0))" } ?? SVGWriter.hex(color)
  }

  private func list(_ points: [Scene.Point]) -> String { SVGWriter.list(points) }
  private func number(_ value: Double) -> String { SVGWriter.number(value) }

  private static func list(_ points: [Scene.Point]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  /// Hundredths of a pixel are enough, and keep the text short.
  private static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    let text = (rounded == 0 ? 0 : rounded).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func hex(_ color: Scene.Color) -> String {
    "#"
      + [color.red, color.green, color.blue].map { part in
        (part < 16 ? "0" : "") + String(part, radix: 16)
      }.joined()
  }
}
