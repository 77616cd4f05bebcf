import TensorCore

extension ByteBuffer {
  /// What fills the room of a buffer: a change shows.
  public static let filler: UInt8 = 0xA5

  /// A buffer with some bytes and room behind them.
  public convenience init(_ bytes: [UInt8], room: Int = 0) {
    self.init(count: bytes.count + room)
    let filler = [UInt8](repeating: ByteBuffer.filler, count: room)
    copy(from: bytes, range: 0..<bytes.count, to: 0)
    copy(from: filler, range: 0..<room, to: bytes.count)
  }

  /// Whether a range is as it was when the buffer was made.
  public func isUntouched(in range: Range<Int>) -> Bool {
    bytes(in: range).allSatisfy { $0 == ByteBuffer.filler }
  }
}
