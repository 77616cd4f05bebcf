import TestSupport
import Testing

@testable import FileIO

/// The examples of FIPS 180-4 and of the NIST long-message test.
@Suite struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func matchesThePublishedDigests(text: String, digest: String) {
    var sha = SHA256()
    sha.update(Array(text.utf8))
    #expect(sha.finalized() == digest)
  }

  @Test func doesNotDependOnHowTheBytesArrive() {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    var sha = SHA256()
    var start = 0
    var step = 1
    while start < bytes.count {
      sha.update(Array(bytes[start..<min(start + step, bytes.count)]))
      start += step
      step = step * 3 % 1009 + 1
    }
    #expect(
      sha.finalized() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func readsFiles() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("abc", text: "abc")
    let file = try ReadableFile(.init(path))
    #expect(
      try file.sha256() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try file.sha256(unless: { true }) == nil)
  }

  @Test func instructionsGiveTheSameDigests() {
    for count in [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000, 4096, 10_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) }
      var (fast, portable) = (SHA256(), SHA256.portable)
      for start in stride(from: 0, to: count, by: 300) {
        let part = Array(bytes[start..<min(start + 300, count)])
        fast.update(part)
        portable.update(part)
      }
      #expect(fast.finalized() == portable.finalized())
    }
  }
}
