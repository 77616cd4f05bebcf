import Synchronization
package import TensorCore

/// The CRC-32 of ranges of a file, summed up from the pieces in which threads read or write it, in any order.
///
/// Pieces that touch become one, so that little memory is needed; where pieces overlap in part, the first one counts.
package final class RangeChecksums: Sendable {
  /// Bytes that follow each other, and their checksum.
  private struct Run {
    var range: Range<Int>
    var checksum: CRC32

    mutating func append(_ other: Run) {
      checksum.append(other.checksum, byteCount: other.range.count)
      range = range.lowerBound..<other.range.upperBound
    }
  }

  /// Pieces that are so scattered are not worth their memory.
  private static let maximumRunCount = 256

  /// The ranges, ascending and without overlap.
  package let ranges: [Range<Int>]
  /// What is known of each range, ascending.
  private let runs: Mutex<[[Run]]>

  /// Starts with nothing known of ranges that ascend and do not overlap.
  package init(_ ranges: [Range<Int>]) {
    self.ranges = ranges
    runs = Mutex(Array(repeating: [], count: ranges.count))
  }

  /// Takes the bytes of a buffer that are those of the file from `offset` on.
  package func add(_ bytes: Range<Int>, of buffer: ByteBuffer, at offset: Int) {
    let piece = offset..<offset + bytes.count
    var number = firstRange(endingBehind: offset)
    while number < ranges.count, ranges[number].lowerBound < piece.upperBound {
      let part = ranges[number].clamped(to: piece)
      if !part.isEmpty {
        var checksum = CRC32()
        let start = bytes.lowerBound + part.lowerBound - offset
        checksum.update(start..<start + part.count, of: buffer)
        add(checksum, of: part, inRange: number)
      }
      number += 1
    }
  }

  /// Takes the checksum of bytes of a range.
  package func add(_ checksum: CRC32, of part: Range<Int>, inRange number: Int) {
    runs.withLock { RangeChecksums.insert(Run(range: part, checksum: checksum), into: &$0[number]) }
  }

  /// What is not known yet of a range of which something is known; nil when nothing is.
  package func gaps(inRange number: Int) -> [Range<Int>]? {
    runs.withLock { runs in
      if runs[number].isEmpty { return nil }
      var gaps: [Range<Int>] = []
      var end = ranges[number].lowerBound
      for run in runs[number] {
        if run.range.lowerBound > end { gaps.append(end..<run.range.lowerBound) }
        end = run.range.upperBound
      }
      if end < ranges[number].upperBound { gaps.append(end..<ranges[number].upperBound) }
      return gaps
    }
  }

  /// The checksum of a range; nil while there are gaps.
  package func checksum(ofRange number: Int) -> UInt32? {
    runs.withLock { runs in
      guard let run = runs[number].first, run.range == ranges[number] else { return nil }
      return run.checksum.value
    }
  }

  private func firstRange(endingBehind offset: Int) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound > offset { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private static func insert(_ run: Run, into runs: inout [Run]) {
    // Most pieces follow the last one, or are near the end.
    let next = (runs.lastIndex { $0.range.lowerBound <= run.range.lowerBound } ?? -1) + 1
    let isFree =
      (next == 0 || runs[next - 1].range.upperBound <= run.range.lowerBound)
      && (next == runs.count || run.range.upperBound <= runs[next].range.lowerBound)
    guard isFree else { return }
    if next > 0, runs[next - 1].range.upperBound == run.range.lowerBound {
      runs[next - 1].append(run)
      if next < runs.count, runs[next - 1].range.upperBound == runs[next].range.lowerBound {
        runs[next - 1].append(runs.remove(at: next))
      }
    } else if next < runs.count, run.range.upperBound == runs[next].range.lowerBound {
      var joined = run
      joined.append(runs[next])
      runs[next] = joined
    } else if runs.count < maximumRunCount {
      runs.insert(run, at: next)
    }
  }
}
