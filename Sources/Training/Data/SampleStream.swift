/// The samples that a member of a run sees, in order: pass after pass, each in a new random order.
///
/// The last partial batch of a pass goes on in the next one. Which sample comes at a position, and with
/// which noise, is decided by the seed alone: two numbers are all that has to be remembered.
struct SampleStream {
  /// How many random numbers the noise table has; windows of it are drawn, which is much quicker than
  /// drawing each number.
  private static let noiseTableSize = 1 << 16

  let seed: UInt64
  /// How many samples came before.
  private(set) var position: UInt64

  private let sampleCount: Int
  private var pass: UInt64?
  private var order: [Int32] = []

  init(seed: UInt64, position: UInt64, sampleCount: Int) {
    precondition(sampleCount > 0)
    self.seed = seed
    self.position = position
    self.sampleCount = sampleCount
  }

  /// The table of normally distributed numbers, the same for every seed, with room for a window of
  /// `stride` numbers at its end.
  static func noiseTable(stride: Int) -> FloatBuffer {
    let table = FloatBuffer(count: noiseTableSize + stride)
    var random = RandomNumbers(seed: 0, purpose: .noiseTable)
    random.fillNormal(table, 0..<table.count)
    return table
  }

  /// Takes the next samples, and the places of their noise in the table.
  mutating func next(_ samples: inout [Int32], noiseOffsets: inout [UInt32]) {
    var noise = RandomNumbers(seed: seed, purpose: .noiseOffsets)
    noise.skip(position)
    for index in samples.indices {
      let passOfPosition = position / UInt64(sampleCount)
      if pass != passOfPosition { shuffle(for: passOfPosition) }
      samples[index] = order[Int(position % UInt64(sampleCount))]
      noiseOffsets[index] = UInt32(noise.below(SampleStream.noiseTableSize))
      position += 1
    }
  }

  /// Each pass draws one number less than there are samples, so that any can be reached at once.
  private mutating func shuffle(for newPass: UInt64) {
    var random = RandomNumbers(seed: seed, purpose: .sampleOrder)
    random.skip(newPass &* UInt64(sampleCount - 1))
    order = (0..<Int32(sampleCount)).map { $0 }
    random.shuffle(&order)
    pass = newPass
  }
}
