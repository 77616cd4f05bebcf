/// Writes a scene as PNG (ISO/IEC 15948), with two pixels for each of the scene's.
package enum PNGWriter {
  private static let scale = 2.0

  /// The bytes of the file.
  package static func bytes(_ scene: Scene) -> [UInt8] {
    let canvas = Canvas(scene, scale: scale)
    var header = bigEndian(UInt32(canvas.width)) + bigEndian(UInt32(canvas.height))
    // Eight bits of red, green and blue; the usual compression and filters, not interlaced.
    header += [8, 2, 0, 0, 0]
    // Pixels per metre, so that programs show it in its size.
    let density = bigEndian(UInt32((96 * scale / 0.0254).rounded()))
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", header) + chunk("pHYs", density + density + [1])
      + chunk("IDAT", RunLengthDeflate.zlibStream(filtered(canvas))) + chunk("IEND", [])
  }

  /// Each row as its difference from the one above: equal rows become zeros.
  private static func filtered(_ canvas: Canvas) -> [UInt8] {
    let stride = canvas.width * 3
    var bytes: [UInt8] = []
    bytes.reserveCapacity((stride + 1) * canvas.height)
    for row in 0..<canvas.height {
      bytes.append(2)
      for index in row * stride..<(row + 1) * stride {
        let above = row > 0 ? canvas.pixels[index - stride] : 0
        bytes.append(canvas.pixels[index] &- above)
      }
    }
    return bytes
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + data
    return bigEndian(UInt32(data.count)) + content + bigEndian(checksum(content))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  /// CRC-32, as PNG defines it.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let table = (0..<256).map { (index: UInt32) -> UInt32 in
      (0..<8).reduce(index) { (value: UInt32, _) in
        value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
      }
    }
    var value = UInt32.max
    for byte in bytes { value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8) }
    return ~value
  }
}

/// Deflate (RFC 1951) that finds runs of one byte only, with the fixed codes: little code, and drawings are
/// mostly runs.
enum RunLengthDeflate {
  private struct Bits {
    var bytes: [UInt8] = []
    private var pending: UInt32 = 0
    private var count = 0

    mutating func append(_ value: Int, count width: Int) {
      pending |= UInt32(value) << UInt32(count)
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        count -= 8
      }
    }

    /// Codes start at their highest bit.
    mutating func appendCode(_ code: Int, count width: Int) {
      append((0..<width).reduce(0) { $0 | ((code >> $1) & 1) << (width - 1 - $1) }, count: width)
    }

    mutating func fillByte() {
      if count > 0 { append(0, count: 8 - count) }
    }
  }

  /// A zlib stream (RFC 1950) of the bytes.
  static func zlibStream(_ bytes: [UInt8]) -> [UInt8] {
    var bits = Bits()
    bits.bytes = [0x78, 0x01]
    bits.append(0b011, count: 3)
    var index = 0
    while index < bytes.count {
      appendSymbol(Int(bytes[index]), to: &bits)
      var length = 0
      while length < 258, index + 1 + length < bytes.count,
        bytes[index + 1 + length] == bytes[index]
      {
        length += 1
      }
      index += 1
      if length >= 3 {
        appendRun(length, to: &bits)
        index += length
      }
    }
    appendSymbol(256, to: &bits)
    bits.fillByte()
    return bits.bytes + adler(bytes)
  }

  private static func appendSymbol(_ symbol: Int, to bits: inout Bits) {
    switch symbol {
    case ..<144: bits.appendCode(0x30 + symbol, count: 8)
    case ..<256: bits.appendCode(0x190 + symbol - 144, count: 9)
    case ..<280: bits.appendCode(symbol - 256, count: 7)
    default: bits.appendCode(0xC0 + symbol - 280, count: 8)
    }
  }

  /// Repeats the last byte.
  private static func appendRun(_ length: Int, to bits: inout Bits) {
    if length == 258 {
      appendSymbol(285, to: &bits)
    } else {
      // Four symbols for each number of further bits; the first eight have none.
      let value = length - 3
      var extra = 0
      while value >> (extra + 3) > 0 { extra += 1 }
      let group = value < 8 ? value : 4 + extra * 4 + ((value >> extra) & 3)
      appendSymbol(257 + group, to: &bits)
      if value >= 8 { bits.append(value & ((1 << extra) - 1), count: extra) }
    }
    // A distance of one.
    bits.appendCode(0, count: 5)
  }

  private static func adler(_ bytes: [UInt8]) -> [UInt8] {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    return [high >> 8, high, low >> 8, low].map { UInt8(truncatingIfNeeded: $0) }
  }
}
