import Synchronization

/// The SHA-256 of a file from the pieces that are read of it, by several threads and in any order.
///
/// Pieces that come too early wait for those before them. When many wait, what lies between is read for its own sake:
/// it may be something that nobody asks for.
final class DigestOfReads: Sendable {
  private static let mostWaiting = 8 << 20

  private struct State {
    var digest = SHA256()
    /// How many bytes from the start are summed up.
    var end = 0
    var early: [Int: [UInt8]] = [:]
    var earlyBytes = 0
  }
  private let state = Mutex(State())

  /// Takes in a piece.
  ///
  /// - Parameter read: reads what nobody has read.
  func add(
    _ bytes: [UInt8], at offset: Int, reading read: (Range<Int>) throws(FileError) -> [UInt8]
  ) throws(FileError) {
    try state.withLock { state throws(FileError) in
      DigestOfReads.take(bytes, offset, &state)
      while state.earlyBytes > DigestOfReads.mostWaiting, let next = state.early.keys.min() {
        let end = min(next, state.end + DigestOfReads.mostWaiting)
        DigestOfReads.take(try read(state.end..<end), state.end, &state)
      }
    }
  }

  /// The digest of all bytes of the file, in hexadecimal digits; what nobody has read is read now.
  func finish(size: Int, reading read: (Range<Int>) throws(FileError) -> [UInt8]) throws(FileError)
    -> String
  {
    try state.withLock { state throws(FileError) in
      while state.end < size {
        let next = state.early.keys.min() ?? size
        let end = min(next, state.end + DigestOfReads.mostWaiting)
        DigestOfReads.take(try read(state.end..<end), state.end, &state)
      }
      return state.digest.finalized()
    }
  }

  private static func take(_ bytes: [UInt8], _ offset: Int, _ state: inout State) {
    guard offset <= state.end else {
      // One that came twice is the same; a longer one at the same place has more to say.
      let known = state.early[offset]?.count ?? 0
      if bytes.count > known {
        state.early[offset] = bytes
        state.earlyBytes += bytes.count - known
      }
      return
    }
    append(bytes, offset, &state)
    while let next = state.early.keys.filter({ $0 <= state.end }).min(),
      let waiting = state.early.removeValue(forKey: next)
    {
      state.earlyBytes -= waiting.count
      append(waiting, next, &state)
    }
  }

  private static func append(_ bytes: [UInt8], _ offset: Int, _ state: inout State) {
    let known = state.end - offset
    guard known < bytes.count else { return }
    state.digest.update(known == 0 ? bytes : Array(bytes[known...]))
    state.end = offset + bytes.count
  }
}
