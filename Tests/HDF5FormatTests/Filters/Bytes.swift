import TestSupport

/// Random bytes in which every fourth repeats.
func sampleBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var numbers = SplitMix(seed: seed)
  return (0..<count).map { index in
    index % 4 == 3 ? 0x3C : UInt8(truncatingIfNeeded: numbers.next() >> 9)
  }
}
