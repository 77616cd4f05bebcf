import Testing

@testable import Plotting

@Suite struct SVGWriterTests {
  @Test func markupInNamesStaysText() {
    var scene = Scene(width: 10, height: 10, title: "</title><script>alert(1)</script>")
    scene.add(.text(.init("a<b & \"c\"\u{1B}\u{0}", at: .init(1, 2))))
    let text = SVGWriter.text(scene)
    #expect(!text.contains("<script"))
    #expect(text.contains(">a&lt;b &amp; &quot;c&quot;\u{FFFD}\u{FFFD}</text>"))
  }

  @Test func shapesBecomeElements() {
    var scene = Scene(width: 10, height: 20.5, title: "t")
    scene.add(.rectangle(.init(4, 5), .init(1, 2), .init(255, 0, 10)))
    scene.add(.line([.init(0, 0), .init(1.006, 1)], .black, width: 1.5, dashes: [2, 3]))
    scene.add(.mark(.circle, .init(1, 1), radius: 2, .gray))
    scene.add(.text(.init("up", at: .init(3, 4), anchor: .end, isUpwards: true)))
    let text = SVGWriter.text(scene)
    for part in [
      "height=\"20.5\"", "<rect x=\"1\" y=\"2\" width=\"3\" height=\"3\" fill=\"#ff000a\"/>",
      "points=\"0,0 1.01,1\"", "stroke-dasharray=\"2 3\"", "<circle cx=\"1\" cy=\"1\" r=\"2\"",
      "text-anchor=\"end\" transform=\"rotate(-90 3 4)\">up</text>",
    ] { #expect(text.contains(part), "\(part)") }
  }
}
