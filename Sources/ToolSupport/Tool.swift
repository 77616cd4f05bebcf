package import ArgumentParser
import FileIO
package import TensorCore

/// What all tools share: how they end, and how they talk.
package struct Tool: Sendable {
  /// The exit codes besides 0; the numbers are those of `sysexits.h`.
  package enum Exit {
    /// Inputs are damaged or do not fit together.
    package static let badInput = ExitCode(65)
    /// An input is missing.
    package static let missingInput = ExitCode(66)
    /// The output cannot be created.
    package static let cannotCreate = ExitCode(73)
    /// Reading or writing failed.
    package static let inputOutput = ExitCode(74)
  }

  /// The paragraph on exit codes at the end of every help text.
  package static let exitStatusHelp = exitStatusHelp()

  /// The paragraph on exit codes, for a tool that can also answer no.
  ///
  /// - Parameter no: when the exit code is 1; nil when it never is.
  package static func exitStatusHelp(no: String? = nil) -> String {
    """
    EXIT STATUS
      0    done\(no.map { "\n  1    " + $0 } ?? "")
      64   the command line makes no sense
      65   an input is damaged, or the inputs do not fit together
      66   an input is missing
      73   the output cannot be created
      74   reading or writing failed (a full disk)
      130  interrupted (143: terminated, 129: hung up)
    """
  }

  /// The name in front of messages.
  package let name: String
  /// How much it talks.
  package let talk: Talk

  /// How much a tool says on standard error.
  package enum Talk: Sendable {
    case normal
    case quiet
  }

  /// A tool that talks.
  package init(name: String, talk: Talk) {
    self.name = name
    self.talk = talk
  }

  /// Runs `body`; an error is told in one sentence with the way out, and ends in its exit code.
  package func run(_ body: () throws -> Void) throws {
    Signals.watch()
    CurrentProcess.raiseOpenFiles()
    CurrentProcess.keepFreedMemory()
    do {
      try body()
    } catch let error as any DiagnosedError {
      throw tell(error)
    }
  }

  /// Runs `body`, which may wait; an error is told as by `run`.
  package func run(_ body: () async throws -> Void) async throws {
    Signals.watch()
    CurrentProcess.raiseOpenFiles()
    do {
      try await body()
    } catch let error as any DiagnosedError {
      throw tell(error)
    }
  }

  /// Says something that a user should know, unless it should be quiet.
  package func notice(_ text: String) {
    guard talk == .normal else { return }
    try? Console.error.write("\(name): note: \(Tool.printable(text))\n")
  }

  /// Says up to ten things, and how many more there are.
  package func notices(_ count: Int, _ text: (Int) -> String) {
    for index in 0..<min(count, 10) { notice(text(index)) }
    if count > 10 { notice("and \(count - 10) more; --json lists all") }
  }

  /// Tells an error in one sentence with the way out.
  ///
  /// - Returns: the exit code that it ends in, when nothing goes on behind it.
  package func tell(_ error: any DiagnosedError) -> ExitCode {
    let hint = error.hint.map { "  hint: \(Tool.printable($0))\n" } ?? ""
    try? Console.error.write("\(name): \(Tool.printable(error.description))\n\(hint)")
    return Tool.exitCode(for: error.kind)
  }

  /// Names from files reach messages: control characters would reach the terminal, a name with a line
  /// break could pass for a message of its own, and a name may have millions of characters.
  package static func printable(_ text: String) -> String {
    // Tables have tens of thousands of plain names.
    if text.utf8.count <= 1000, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    // Lists of ours are indented.
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if lines.isEmpty || line.hasPrefix("  ") {
        lines.append(String(line))
      } else {
        lines[lines.count - 1] += "\u{FFFD}" + line
      }
    }
    return lines.map { line in
      String(
        String.UnicodeScalarView(
          line.unicodeScalars.prefix(1000).map { scalar in
            // Marks of direction could make a name read as another one.
            [.control, .format].contains(scalar.properties.generalCategory) ? "\u{FFFD}" : scalar
          }))
    }.joined(separator: "\n")
  }

  private static func exitCode(for kind: FailureKind) -> ExitCode {
    switch kind {
    case .usage: .validationFailure
    case .badInput: Exit.badInput
    case .missingInput: Exit.missingInput
    case .cannotCreate: Exit.cannotCreate
    case .inputOutput: Exit.inputOutput
    case .interrupted(let signal): ExitCode(128 + signal)
    }
  }
}
