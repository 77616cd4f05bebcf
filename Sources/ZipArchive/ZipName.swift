/// The rules for names of members.
package enum ZipName {
  /// A name as text.
  ///
  /// - Throws: `ZipError` when it is no text, or as a path would lead out of the folder it is unpacked to.
  static func checked(_ bytes: ArraySlice<UInt8>) throws(ZipError) -> String {
    guard !bytes.isEmpty else { throw .refused("a member has no name") }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw .refused("the name '\(String(decoding: bytes, as: UTF8.self))' is not UTF-8")
    }
    if let reason = problem(of: bytes) {
      throw .refused("the name '\(name)' \(reason)")
    }
    return name
  }

  /// Why a name must not be in an archive; nil when it may.
  package static func problem(of bytes: ArraySlice<UInt8>) -> String? {
    if bytes.contains(0) { return "has a zero byte" }
    if bytes.contains(UInt8(ascii: "\\")) { return "has a backslash" }
    if bytes.first == UInt8(ascii: "/") { return "is an absolute path" }
    let dot = UInt8(ascii: ".")
    // Most names have no two dots, and need not be cut.
    let hasDots = bytes.indices.dropLast().contains { bytes[$0] == dot && bytes[$0 + 1] == dot }
    guard hasDots else { return nil }
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if parts.contains(where: { $0.elementsEqual("..".utf8) }) { return "leads to another folder" }
    return nil
  }

  /// Some readers take the name from an extra field: it must not be another one.
  static func check(_ name: [UInt8], against extra: [UInt8]) throws(ZipError) {
    for field in ZipExtra.fields(extra) ?? [] where field.id == ZipExtra.unicodePath {
      // A version and a checksum come first.
      guard field.bytes.dropFirst(5).elementsEqual(name) else {
        throw .refused("a member has two names, '\(String(decoding: name, as: UTF8.self))' is one")
      }
    }
  }
}
