/// A small font of pen strokes, for pictures without a font of the system.
///
/// A glyph is a list of strokes, a stroke a list of points, a point two digits (base 36): x from the left, y
/// from the top of capitals. The baseline is at 8, small letters begin at 3, descenders end at 10.
enum StrokeFont {
  /// How many units a size of 1 has: capitals are 8 units and 0.72 of the size high.
  private static let unitsPerSize = 8 / 0.72
  private static let gap = 1.9
  private static let spaceWidth = 1.6
  /// Dots and bars need some room.
  private static let narrowest = 0.8

  /// The lines of a text that starts at the origin of its baseline.
  static func lines(_ text: String, size: Double) -> [[Scene.Point]] {
    let unit = size / unitsPerSize
    var left = 0.0
    var lines: [[Scene.Point]] = []
    for character in text {
      let strokes = strokes(of: character)
      let isNarrow = strokes.allSatisfy { $0.allSatisfy { $0.x == 0 } }
      let start = left + (isNarrow ? narrowest / 2 : 0)
      for stroke in strokes {
        lines.append(stroke.map { Scene.Point((start + $0.x) * unit, ($0.y - 8) * unit) })
      }
      left += advance(strokes)
    }
    return lines
  }

  /// How wide a text is.
  static func width(_ text: String, size: Double) -> Double {
    let units = text.reduce(0) { $0 + advance(strokes(of: $1)) }
    return max(0, units - gap) * size / unitsPerSize
  }

  private static func advance(_ strokes: [[Scene.Point]]) -> Double {
    let width = strokes.flatMap { $0.map(\.x) }.max()
    return max(width ?? spaceWidth, narrowest) + gap
  }

  private static func strokes(of character: Character) -> [[Scene.Point]] {
    if character == " " { return [] }
    // An empty box stands for what the font lacks.
    let text = glyphs[character] ?? "0048" + "0840 0008484000"
    return text.split(separator: " ").map { stroke in
      let digits = stroke.compactMap { $0.hexDigitValue }.map(Double.init)
      return stride(from: 0, to: digits.count - 1, by: 2).map {
        Scene.Point(digits[$0], digits[$0 + 1])
      }
    }
  }

  private static let glyphs: [Character: String] = [
    "A": "082048 1535", "B": "08003041433404 3445473808", "C": "4130100107183847",
    "D": "00204246280800", "E": "40000848 0434", "F": "400008 0434",
    "G": "41301001071838474424", "H": "0008 4048 0444", "I": "0020 1018 0828",
    "J": "4047381807", "K": "0008 4005 1448", "L": "000848", "M": "0800244048", "N": "08004840",
    "O": "104051574818070110", "P": "08003041433404", "Q": "104051574818070110 3658",
    "R": "08003041433404 2448", "S": "413010010314344547381807", "T": "0040 2028",
    "U": "000718384740", "V": "002840", "W": "0018325860", "X": "0048 4008", "Y": "002440 2428",
    "Z": "00400848",
    "a": "4433130407183847 4348", "b": "0008 0413334447381807", "c": "4433130407183847",
    "d": "4048 4433130407183847", "e": "05454433130407183847", "f": "30201118 0333",
    "g": "43493a1a09 4433130407183847", "h": "0008 0413334448", "i": "0308 0101",
    "j": "13190a 1111", "k": "0008 3306 1538", "l": "000718", "m": "0308 0413233438 3443536468",
    "n": "0308 0413334448", "o": "133344473818070413", "p": "030a 0413334447381807",
    "q": "434a 4433130407183847", "r": "0308 051333", "s": "44331304153647381807",
    "t": "11172838 0333", "u": "0307183847 4348", "v": "032843", "w": "0318345863",
    "x": "0348 4308", "y": "0328 43281a0a", "z": "03430848",
    "0": "103041473818070110", "1": "022028 0848", "2": "01103041430848",
    "3": "0110304143344547381807 1434", "4": "38300646", "5": "400004344547381807",
    "6": "3010020718384745341405", "7": "004018", "8": "103041433414030110 1405071838474534",
    "9": "1838464130100103143443",
    ".": "0808", ",": "180a", ":": "0404 0808", ";": "1414 180a", "-": "0535", "–": "0555",
    "_": "0949", "/": "0940", "\\": "0049", "(": "20030629", ")": "00232609", "[": "20000929",
    "]": "00202909", "{": "20111405161829", "}": "00111425161809", "+": "2327 0545",
    "=": "0444 0646", "*": "2125 0244 0442", "%": "0020220200 3656583836 5008",
    "#": "1018 3038 0343 0545", "&": "4802011020310507182845",
    "@": "56524010020618 4323264643", "!": "0006 0808", "?": "01103041432426 2828",
    "\"": "0002 2022", "'": "0002", "`": "0011", "^": "022042", "~": "05143645", "<": "420548",
    ">": "024508", "|": "0009", "$": "413010010314344547381807 2028", "…": "0808 2828 4848",
    "·": "0505", "×": "0347 4307", "→": "0555 3355 3755",
  ]
}
