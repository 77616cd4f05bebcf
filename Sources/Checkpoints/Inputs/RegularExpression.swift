import CSystemShims
import TensorCore

/// A POSIX extended regular expression, as in `sed -E`: it needs no library of its own, and matches bytes.
///
/// The one place of the target that calls C.
@safe package final class RegularExpression: Sendable {
  /// The bytes of each group in a text, the whole match first; nil where a group took no part.
  package typealias Match = [Range<Int>?]

  private nonisolated(unsafe) let compiled: UnsafeMutableRawPointer

  /// Compiles a pattern.
  ///
  /// - Throws: `SelectionError` when it is no regular expression.
  package init(_ pattern: String, ignoresCase: Bool) throws {
    var message = [CChar](repeating: 0, count: 256)
    let result = unsafe imwa_regex_compile(pattern, ignoresCase, &message, message.count)
    guard let result = unsafe result else {
      let text = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw SelectionError(
        description: "'\(pattern)' is no regular expression: \(text.lowercased())",
        hint: "the syntax is that of sed -E")
    }
    unsafe compiled = result
  }

  deinit { unsafe imwa_regex_free(compiled) }

  /// How many groups the pattern has.
  package var groupCount: Int { unsafe imwa_regex_group_count(compiled) }

  /// The first match from `start` on.
  package func firstMatch(in text: [UInt8], from start: Int) -> Match? {
    precondition((0...text.count).contains(start))
    let count = Int(IMWA_REGEX_GROUPS)
    var groups = [Int64](repeating: -1, count: 2 * count)
    // The library wants an end that it never reads.
    let terminated = text + [0]
    let isFound = unsafe terminated.withUnsafeBytes { bytes in
      unsafe imwa_regex_match(
        compiled, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), start, text.count, &groups
      )
    }
    guard isFound else { return nil }
    var match: Match = []
    for group in 0..<count {
      let (start, end) = (Int(groups[2 * group]), Int(groups[2 * group + 1]))
      match.append(start < 0 ? nil : start..<end)
    }
    return match
  }
}
