import CSystemShims

/// The SHA-256 digest of a stream of bytes (FIPS 180-4, section 6.2).
public struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  private let usesInstructions: Bool

  /// The digest of no bytes yet.
  public init() { usesInstructions = SHA256.hasInstructions }

  /// The digest of no bytes yet, computed without the processor's instructions for it.
  static var portable: SHA256 { SHA256(usesInstructions: false) }

  private init(usesInstructions: Bool) { self.usesInstructions = usesInstructions }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) {
    length += UInt64(bytes.count)
    var start = 0
    if !pending.isEmpty {
      start = min(64 - pending.count, bytes.count)
      pending.append(contentsOf: bytes[..<start])
      guard pending.count == 64 else { return }
      compress(pending, from: 0, blockCount: 1)
      pending.removeAll(keepingCapacity: true)
    }
    let blockCount = (bytes.count - start) / 64
    compress(bytes, from: start, blockCount: blockCount)
    start += 64 * blockCount
    pending.append(contentsOf: bytes[start...])
  }

  /// The digest of all bytes so far, in hexadecimal digits.
  public func finalized() -> String {
    finalizedState().map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// The 32 bytes of the digest of all bytes so far.
  public func finalizedBytes() -> [UInt8] {
    finalizedState().flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
    }
  }

  private func finalizedState() -> [UInt32] {
    var copy = self
    let bitLength = length &* 8
    let padding = (119 - Int(length % 64)) % 64
    copy.update([0x80] + [UInt8](repeating: 0, count: padding))
    copy.update((0..<8).reversed().map { UInt8(truncatingIfNeeded: bitLength >> (8 * $0)) })
    return copy.state
  }

  private static let hasInstructions = imwa_has_sha256_instructions()

  private mutating func compress(_ bytes: [UInt8], from start: Int, blockCount: Int) {
    precondition(start >= 0 && start + 64 * blockCount <= bytes.count)
    if blockCount == 0 { return }
    guard usesInstructions else {
      for block in 0..<blockCount { compress(bytes, at: start + 64 * block) }
      return
    }
    unsafe bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return }
      unsafe imwa_sha256_blocks(&state, SHA256.constants, base + start, blockCount)
    }
  }

  /// The same without instructions for it.
  private mutating func compress(_ bytes: [UInt8], at start: Int) {
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
      for index in 0..<16 {
        let place = start + 4 * index
        unsafe schedule[index] =
          UInt32(bytes[place]) << 24 | UInt32(bytes[place + 1]) << 16
          | UInt32(bytes[place + 2]) << 8 | UInt32(bytes[place + 3])
      }
      for index in 16..<64 {
        let first = unsafe schedule[index - 15]
        let second = unsafe schedule[index - 2]
        let small0 = first.rotated(7) ^ first.rotated(18) ^ first >> 3
        let small1 = second.rotated(17) ^ second.rotated(19) ^ second >> 10
        unsafe schedule[index] = schedule[index - 16] &+ small0 &+ schedule[index - 7] &+ small1
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for index in 0..<64 {
        let sum1 = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
        let choice = (e & f) ^ (~e & g)
        let first = unsafe h &+ sum1 &+ choice &+ SHA256.constants[index] &+ schedule[index]
        let sum0 = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
        let majority = (a & b) ^ (a & c) ^ (b & c)
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ sum0 &+ majority)
      }
      for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
    }
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}

extension UInt32 {
  fileprivate func rotated(_ count: UInt32) -> UInt32 { self >> count | self << (32 - count) }
}
