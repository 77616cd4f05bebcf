import Testing

@testable import Episodes

@Suite struct SeedsTests {
  /// Values of Python: `int(hashlib.sha256(b"imwa 7 2 3").hexdigest()[:8], 16) >> 1`.
  @Test func seedsAreTheDocumentedHash() {
    #expect(Seeds.member(1, of: 0) == 308461293)
    #expect(Seeds.member(2, of: 7) == 688937608)
    #expect(Seeds.episode(3, member: 2, of: 7) == 1372480227)
  }
}
