import Testing

@testable import Training

@Suite struct SampleStreamTests {
  private func samples(_ stream: inout SampleStream, _ count: Int) -> [Int32] {
    var samples = Array(repeating: Int32(0), count: count)
    var offsets = Array(repeating: UInt32(0), count: count)
    stream.next(&samples, noiseOffsets: &offsets)
    return samples
  }

  @Test func everyPassHasEverySampleOnce() {
    var stream = SampleStream(seed: 3, position: 0, sampleCount: 10)
    let drawn = samples(&stream, 40)
    let passes = (0..<4).map { Array(drawn[$0 * 10..<$0 * 10 + 10]) }
    #expect(passes.allSatisfy { $0.sorted() == Array(0..<10) })
    #expect(Set(passes).count == 4)
  }

  @Test func anyPlaceCanBeReachedAtOnce() {
    var whole = SampleStream(seed: 3, position: 0, sampleCount: 7)
    let drawn = samples(&whole, 100)
    for start in [0, 6, 7, 20, 69, 70, 99] {
      var stream = SampleStream(seed: 3, position: UInt64(start), sampleCount: 7)
      #expect(samples(&stream, 100 - start) == Array(drawn[start...]))
      #expect(stream.position == 100)
    }
  }

  @Test func everyOrderIsAsLikely() {
    var counts: [[Int32]: Int] = [:]
    for seed in 0..<UInt64(6000) {
      var stream = SampleStream(seed: seed, position: 0, sampleCount: 3)
      counts[samples(&stream, 3), default: 0] += 1
    }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 120 })
  }

  @Test func oneSampleIsEnough() {
    var stream = SampleStream(seed: 1, position: 0, sampleCount: 1)
    #expect(samples(&stream, 3) == [0, 0, 0])
  }
}
