import ArgumentParser
package import Checkpoints

/// A format by its name in small letters.
package struct FormatChoice: ExpressibleByArgument {
  /// The format.
  package let format: any CheckpointFormat.Type

  /// Finds the format of a name.
  package init?(argument: String) {
    let name = argument.lowercased()
    guard let found = CheckpointFormats.all.first(where: { $0.name.lowercased() == name }) else {
      return nil
    }
    format = found
  }

  /// The names of all formats.
  package static var allValueStrings: [String] {
    CheckpointFormats.all.map { $0.name.lowercased() }
  }
}
