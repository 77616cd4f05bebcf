import Compression
public import FileIO
public import TensorCore

extension ZipFile {
  /// How much is read or decompressed at a time.
  private static let pieceByteCount = 256 << 10

  /// All data of a member, whose size and checksum are checked.
  ///
  /// - Parameter limit: the most bytes that the member may have, as it is and as it is stored: a declared size is
  ///   only a claim.
  /// - Throws: `ZipError` when it has more, is damaged or has another checksum; what the source throws.
  public func bytes(of member: ZipMember, limit: Int) throws -> [UInt8] {
    try member.bytes(in: file, limit: limit)
  }

  /// Gives all data of a member to `sink`, in pieces of at most 256 KiB and in little memory.
  ///
  /// The checksum is only known at the end: what the sink took is not to be trusted before this returns.
  ///
  /// - Parameter sink: takes a range of a buffer, which it must not keep.
  /// - Throws: `ZipError` when the member is damaged or has another checksum, and what the source and the sink throw.
  public func read(_ member: ZipMember, _ sink: (Range<Int>, ByteBuffer) throws -> Void) throws {
    var checksum = CRC32()
    switch member.method {
    case .stored:
      try forEachPiece(of: member.dataRange) { range, buffer in
        checksum.update(range, of: buffer)
        try sink(range, buffer)
      }
    case .deflated:
      var inflation = MemberInflation(member)
      try forEachPiece(of: member.dataRange) { range, buffer in
        try inflation.take(range, of: buffer) { range, buffer in
          checksum.update(range, of: buffer)
          try sink(range, buffer)
        }
      }
      try inflation.finish()
    }
    try member.check(checksum)
  }

  /// Writes all data of a member into a file, and checks them on the way.
  ///
  /// - Throws: `ZipError`, `FileError`, and what the source throws.
  public func copy(_ member: ZipMember, to file: WritableFile, at offset: Int = 0) throws {
    var position = offset
    try read(member) { range, buffer in
      try file.write(range, of: buffer, at: position)
      position += range.count
    }
  }

  /// Reads all data of a member and compares their checksum with the one that the archive has.
  ///
  /// - Parameter threads: how many threads read a stored member.
  /// - Throws: `ZipError` when they differ, and what the source throws.
  public func verify(_ member: ZipMember, threads: Int = 1) throws {
    try verify([member], threads: threads)
  }

  private func forEachPiece(
    of range: Range<Int>, _ body: (Range<Int>, ByteBuffer) throws -> Void
  ) throws {
    let buffer = ByteBuffer(count: min(range.count, ZipFile.pieceByteCount))
    var position = range.lowerBound
    while position < range.upperBound {
      let count = min(buffer.count, range.upperBound - position)
      try file.read(at: position, count: count, into: buffer, at: 0)
      try body(0..<count, buffer)
      position += count
    }
  }
}

extension ZipMember {
  func bytes(in source: any ByteSource, limit: Int) throws -> [UInt8] {
    guard max(byteCount, storedByteCount) <= limit else {
      throw ZipError(
        .tooLarge,
        "ZIP archive: member '\(name)' has \(byteCount) bytes, at most \(limit) are accepted here")
    }
    let stored = ByteBuffer(count: storedByteCount)
    try source.read(at: dataRange.lowerBound, count: stored.count, into: stored, at: 0)
    let data = try inflated(stored)
    var checksum = CRC32()
    checksum.update(0..<data.count, of: data)
    try check(checksum)
    return data.bytes(in: 0..<data.count)
  }

  private func inflated(_ stored: ByteBuffer) throws(ZipError) -> ByteBuffer {
    guard method == .deflated else { return stored }
    let data = ByteBuffer(count: byteCount)
    let result: Inflater.Result
    do {
      result = try Inflater().decompress(
        0..<stored.count, of: stored, framing: .raw, into: data, at: 0,
        maximumByteCount: data.count)
    } catch {
      throw .damaged(self, error.description)
    }
    guard result.byteCount == data.count, result.consumedByteCount == stored.count else {
      throw .damaged(self, "it holds \(result.byteCount) bytes instead of \(data.count)")
    }
    return data
  }

  fileprivate func check(_ checksum: CRC32) throws(ZipError) {
    guard checksum.value == self.checksum else { throw .damaged(self, "its checksum is wrong") }
  }
}

/// A deflated member on its way out: never more than its declared size.
private struct MemberInflation {
  private let member: ZipMember
  private let stream = InflateStream()
  private let output: ByteBuffer
  private var producedByteCount = 0
  private var consumedByteCount = 0

  init(_ member: ZipMember) {
    self.member = member
    // One byte more shows a member that holds more than it should.
    output = ByteBuffer(count: 1 + min(member.byteCount, 256 << 10))
  }

  mutating func take(
    _ range: Range<Int>, of input: ByteBuffer, _ sink: (Range<Int>, ByteBuffer) throws -> Void
  ) throws {
    var position = range.lowerBound
    while !stream.isAtEnd {
      let result: Inflater.Result
      do {
        result = try stream.decompress(
          position..<range.upperBound, of: input, into: 0..<output.count, of: output)
      } catch {
        throw ZipError.damaged(member, error.description)
      }
      position += result.consumedByteCount
      consumedByteCount += result.consumedByteCount
      producedByteCount += result.byteCount
      guard producedByteCount <= member.byteCount else {
        throw ZipError.damaged(member, "it holds more than the \(member.byteCount) bytes declared")
      }
      if result.byteCount > 0 { try sink(0..<result.byteCount, output) }
      // Without room to spare in the output, the input was not enough.
      if result.byteCount < output.count && position == range.upperBound { break }
      if result.byteCount == 0 && result.consumedByteCount == 0 { break }
    }
  }

  func finish() throws(ZipError) {
    guard stream.isAtEnd, producedByteCount == member.byteCount,
      consumedByteCount == member.storedByteCount
    else {
      throw .damaged(
        member, "it holds \(producedByteCount) bytes instead of \(member.byteCount)")
    }
  }
}
