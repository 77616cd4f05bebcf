/// Colours that tell the same in print without colour and to colour-blind readers.
enum Palette {
  /// From light to dark with steadily falling lightness; one hue.
  private static let ramp: [(Double, Double, Double)] = [
    (247, 251, 255), (208, 225, 242), (148, 196, 223), (74, 152, 201), (23, 100, 171), (8, 48, 107),
  ]

  /// The colour of a part of the range, from 0 to 1.
  static func sequential(_ part: Double) -> Scene.Color {
    let place = min(1, max(0, part)) * Double(ramp.count - 1)
    let index = min(Int(place), ramp.count - 2)
    let rest = place - Double(index)
    let (low, high) = (ramp[index], ramp[index + 1])
    let mixed = [(low.0, high.0), (low.1, high.1), (low.2, high.2)].map { pair in
      UInt8((pair.0 + (pair.1 - pair.0) * rest).rounded())
    }
    return Scene.Color(mixed[0], mixed[1], mixed[2])
  }

  /// Black or white, whichever can be read on the colour of a part of the range.
  static func ink(on part: Double) -> Scene.Color { part > 0.55 ? .white : .black }

  /// How the lines of different series look: colours (Okabe and Ito 2008, without the yellow, which is too
  /// light on white), dashes and marks, each of which tells them apart by itself.
  static func series(_ index: Int) -> (color: Scene.Color, dashes: [Double], mark: Scene.Mark) {
    let colors = [
      Scene.Color(0, 114, 178), Scene.Color(213, 94, 0), Scene.Color(0, 0, 0),
      Scene.Color(0, 158, 115), Scene.Color(204, 121, 167), Scene.Color(230, 159, 0),
      Scene.Color(86, 180, 233),
    ]
    let dashes: [[Double]] = [[], [7, 3], [2, 2.5], [9, 3, 2, 3], [12, 4]]
    let marks = Scene.Mark.allCases
    return (
      colors[index % colors.count], dashes[index % dashes.count], marks[index % marks.count]
    )
  }
}
