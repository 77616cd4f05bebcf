/// Texts of a known width.
package enum Label {
  /// How wide a text is, with some room for fonts that are wider than the own one.
  package static func width(_ text: String, size: Double = 13) -> Double {
    StrokeFont.width(text, size: size) * 1.12
  }

  /// The text, with dots in its middle when it is wider than `width`: names most often differ at their ends.
  package static func shortened(_ text: String, to width: Double, size: Double = 13) -> String {
    if self.width(text, size: size) <= width { return text }
    let characters = Array(text)
    var kept = characters.count - 1
    while kept > 2 {
      let shorter =
        String(characters.prefix(kept / 3)) + "…" + String(characters.suffix(kept - kept / 3))
      if self.width(shorter, size: size) <= width { return shorter }
      kept -= 1
    }
    return "…"
  }
}
