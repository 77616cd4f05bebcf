/// Text in HTML and SVG.
enum HTMLText {
  /// The text with what has a meaning there escaped.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        let isText = ![.control, .format].contains(scalar.properties.generalCategory)
        result.unicodeScalars.append(isText ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}
