import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import FileIO

@Suite struct DigestOfReadsTests {
  /// A file of 20 MB, more than may wait.
  private func file(_ folder: TemporaryFolder) throws -> ReadableFile {
    var random = SplitMix(seed: 7)
    let bytes = (0..<2_500_000).flatMap { _ -> [UInt8] in
      let word = random.next()
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
    return try ReadableFile(FilePath(try folder.write("a", bytes)))
  }

  @Test func theOrderOfReadsDoesNotMatter() throws {
    let folder = try TemporaryFolder()
    let file = try file(folder)
    let expected = try file.sha256()
    let starts = Array(stride(from: 0, to: file.size, by: 300_000))
    var random = SplitMix(seed: 3)
    for order in [starts, starts.reversed(), starts.shuffled(using: &random)] {
      file.observeReads()
      for start in order {
        let count = min(start + 300_000, file.size) - start
        try file.read(at: start, count: count, into: ByteBuffer(count: count), at: 0)
      }
      #expect(try file.sha256AsRead() == expected)
    }
  }

  @Test func whatNobodyReadsCountsAndWhatIsReadTwiceCountsOnce() throws {
    let folder = try TemporaryFolder()
    let file = try file(folder)
    let expected = try file.sha256()
    file.observeReads()
    for range in [10..<20, 15..<40, 15..<30, 9_000_000..<9_000_010, 0..<12, 19_999_990..<file.size]
    {
      _ = try file.bytes(in: range)
    }
    #expect(try file.sha256AsRead() == expected)
    #expect(try file.sha256AsRead() == expected)
  }

  @Test func whatWasReadCountsNotWhatIsThereLater() throws {
    let folder = try TemporaryFolder()
    let file = try ReadableFile(FilePath(try folder.write("a", [1, 2, 3])))
    let before = try file.sha256()
    file.observeReads()
    _ = try file.bytes(in: 0..<3)
    let handle = try FileDescriptor.open(file.path, .writeOnly)
    _ = try handle.writeAll(toAbsoluteOffset: 0, [9])
    try handle.close()
    #expect(try file.sha256AsRead() == before)
    #expect(try file.sha256() != before)
  }
}
