/// Text in HTML and SVG.
package enum MarkupText {
  /// The text with what has a meaning there escaped: names come from files, and markup in them must stay text.
  package static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        // XML has no control characters, and marks of direction could make a name read as another one.
        let isText =
          ![.control, .format].contains(scalar.properties.generalCategory)
          && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isText ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}
