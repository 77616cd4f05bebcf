import TensorCore
import Testing

@Suite struct ExactStringTests {
  @Test func inSentencesItIsItsText() {
    #expect("\(ExactString("layers/dense"))" == "layers/dense")
    #expect("\([ExactString("a"): 1].keys.sorted()[0])" == "a")
  }

  @Test func bytesDecideWhatIsTheSame() {
    #expect(ExactString("\u{E9}") != ExactString("e\u{301}"))
    #expect(ExactString("B") < ExactString("a"))
  }
}
