/// Writes a scene as SVG.
package enum SVGWriter {
  /// The text of the file.
  package static func text(_ scene: Scene) -> String {
    let (width, height) = (number(scene.width), number(scene.height))
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\" role=\"img\" "
        + "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">",
      "<title>\(escaped(scene.title))</title>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
    ]
    lines += scene.shapes.map(element)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func element(_ shape: Scene.Shape) -> String {
    switch shape {
    case .rectangle(let first, let second, let color):
      return
        "<rect x=\"\(number(min(first.x, second.x)))\" y=\"\(number(min(first.y, second.y)))\" "
        + "width=\"\(number(abs(second.x - first.x)))\" "
        + "height=\"\(number(abs(second.y - first.y)))\" fill=\"\(hex(color))\"/>"
    case .line(let points, let color, let width, let dashes):
      let dashes =
        dashes.isEmpty
        ? "" : " stroke-dasharray=\"\(dashes.map(number).joined(separator: " "))\""
      return "<polyline points=\"\(list(points))\" fill=\"none\" stroke=\"\(hex(color))\" "
        + "stroke-width=\"\(number(width))\" stroke-linejoin=\"round\"\(dashes)/>"
    case .mark(let mark, let place, let radius, let color):
      if let corners = Scene.corners(of: mark, at: place, radius: radius) {
        return "<polygon points=\"\(list(corners))\" fill=\"\(hex(color))\"/>"
      }
      return "<circle cx=\"\(number(place.x))\" cy=\"\(number(place.y))\" "
        + "r=\"\(number(radius))\" fill=\"\(hex(color))\"/>"
    case .text(let text):
      return element(text)
    }
  }

  private static func element(_ text: Scene.Text) -> String {
    let (x, y) = (number(text.place.x), number(text.place.y))
    let turn = text.isUpwards ? " transform=\"rotate(-90 \(x) \(y))\"" : ""
    let anchor = text.anchor == .start ? "" : " text-anchor=\"\(text.anchor.rawValue)\""
    return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(number(text.size))\" "
      + "fill=\"\(hex(text.color))\"\(anchor)\(turn)>\(escaped(text.text))</text>"
  }

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

  /// Names come from files: markup in them must stay text, and XML has no control characters.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default:
        let isText =
          scalar.properties.generalCategory != .control && scalar.value != 0xFFFE
          && scalar.value != 0xFFFF
        result.unicodeScalars.append(isText ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}
