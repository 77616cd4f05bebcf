package import ArgumentParser
import FileIO

/// The command that a tool begins with; its subcommands, where it has some, do the work.
package protocol ToolCommand: ParsableCommand {}

extension ToolCommand {
  /// Where the process begins.
  package static func main() { main(CurrentProcess.arguments) }

  /// Reached when a tool with subcommands is told none of them.
  package mutating func run() throws { throw Tool.missingSubcommand }
}

extension Tool {
  /// What a tool with subcommands says when the command line names none: a script must not take help for success.
  package static var missingSubcommand: ValidationError {
    ValidationError("no subcommand was given")
  }
}
