import Testing

@testable import Plotting

@Suite struct CanvasTests {
  private func pixel(_ canvas: Canvas, _ x: Int, _ y: Int) -> [UInt8] {
    Array(canvas.pixels[(y * canvas.width + x) * 3..<(y * canvas.width + x) * 3 + 3])
  }

  @Test func rectanglesCoverTheirPixels() {
    var scene = Scene(width: 4, height: 4, title: "")
    scene.add(.rectangle(.init(3, 3), .init(1, 1), .init(10, 20, 30)))
    let canvas = Canvas(scene, scale: 1)
    for y in 0..<4 {
      for x in 0..<4 {
        let isIn = (1...2).contains(x) && (1...2).contains(y)
        #expect(pixel(canvas, x, y) == (isIn ? [10, 20, 30] : [255, 255, 255]))
      }
    }
  }

  @Test func halfCoveredPixelsAreMixed() {
    var scene = Scene(width: 3, height: 1, title: "")
    scene.add(.rectangle(.init(0, -1), .init(1.5, 2), .black))
    let canvas = Canvas(scene, scale: 1)
    #expect((0..<3).map { pixel(canvas, $0, 0)[0] } == [0, 128, 255])
  }

  @Test func dashesLeaveGaps() {
    var scene = Scene(width: 12, height: 1, title: "")
    scene.add(.line([.init(-0.5, 0.5), .init(12, 0.5)], .black, width: 1, dashes: [3, 4]))
    let canvas = Canvas(scene, scale: 1)
    let isDark = (0..<12).map { pixel(canvas, $0, 0)[0] < 128 }
    #expect(isDark[0] && isDark[1] && !isDark[4] && !isDark[5] && isDark[8])
  }

  @Test func whatIsOutsideIsCut() {
    var scene = Scene(width: 2, height: 2, title: "")
    scene.add(.line([.init(-50, -50), .init(80, 90)], .black, width: 4, dashes: []))
    scene.add(.mark(.diamond, .init(-9, 1), radius: 3, .black))
    #expect(Canvas(scene, scale: 2).pixels.count == 4 * 4 * 3)
  }

  @Test func everyPrintableCharacterHasItsOwnGlyph() {
    var seen: [[[Scene.Point]]: Character] = [:]
    for scalar in (0x21...0x7E).compactMap(Unicode.Scalar.init) {
      let character = Character(scalar)
      let lines = StrokeFont.lines(String(character), size: 12)
      #expect(!lines.isEmpty)
      #expect(lines.allSatisfy { $0.count >= 2 }, "\(character)")
      #expect(seen.updateValue(character, forKey: lines) == nil, "\(character)")
    }
    let box = StrokeFont.lines("\u{4E2D}", size: 12)
    #expect(!box.isEmpty && seen[box] == nil)
  }
}
