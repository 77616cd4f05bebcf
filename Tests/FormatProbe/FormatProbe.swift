import Foundation

/// Lets the scripts under `Tests/Oracle` reach what no tool shows; see the other files for the words.
///
/// What is refused ends with code 65 and a sentence.
@main struct FormatProbe {
  static func main() {
    do {
      let output = try answer(Array(CommandLine.arguments.dropFirst()))
      FileHandle.standardOutput.write(Data(output))
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(65)
    }
  }

  private static func answer(_ arguments: [String]) throws -> [UInt8] {
    switch arguments.first {
    case "chunk-decode": try ChunkProbe.decode(standardInput(), arguments)
    case "chunk-encode": try ChunkProbe.encode(standardInput(), arguments)
    case "checkpoints-read": try CheckpointProbe.readAll(arguments[1])
    case "zip-list": try ZipProbe.list(arguments[1])
    case "zip-read": try ZipProbe.read(arguments[1], arguments[2])
    case "zip-copy": try ZipProbe.copy(arguments[1], arguments[2], Array(arguments[3...]))
    case "zip-new": try ZipProbe.create(arguments[1], Array(arguments[2...]))
    default: exit(64)
    }
  }

  private static func standardInput() -> [UInt8] {
    [UInt8](FileHandle.standardInput.readDataToEndOfFile())
  }
}
