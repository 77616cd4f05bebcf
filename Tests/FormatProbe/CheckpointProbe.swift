import Checkpoints
import FileIO
import Foundation
import SystemPackage
import TensorCore

/// Opens checkpoints, reads all their values, and writes them again.
enum CheckpointProbe {
  /// More bytes of values than this are not read: views can stand for terabytes.
  private static let maximumByteCount = 8 << 20

  /// One line for each file of a folder: its name, and `ok` or the error.
  static func readAll(_ folder: String) throws -> [UInt8] {
    let output = FilePath(folder).appending("out")
    try FileManager.default.createDirectory(
      atPath: output.string, withIntermediateDirectories: true)
    var lines = ""
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where name != "out" {
      let answer: String
      do {
        answer = try read(FilePath(folder).appending(name), writingTo: output)
      } catch let error as any DiagnosedError {
        answer = "refused: \(String(error.description.map { $0.isNewline ? " " : $0 }))"
      } catch {
        answer = "UNKNOWN ERROR: \(error)"
      }
      lines += "\(name)\t\(answer)\n"
    }
    return Array(lines.utf8)
  }

  private static func read(_ path: FilePath, writingTo folder: FilePath) throws -> String {
    let reader = try CheckpointReader(opening: path)
    try reader.checksums?(1)
    if reader.weights.byteCount > maximumByteCount { return "ok (large)" }
    for tensor in reader.weights.tensors { _ = try tensor.bytes() }
    for ending in [".pt", ".npz"] {
      var request = OutputRequest(
        path: folder.appending("out" + ending), existing: .replace, durability: .none)
      request.arrangement = reader.arrangement
      do {
        _ = try PreparedOutput(reader.weights, to: request).write(
          StreamOptions(threads: 1, nonFinite: .allow))
      } catch let error as any DiagnosedError where error.kind == .badInput {
        continue
      }
      let again = try CheckpointReader(opening: request.path)
      try again.checksums?(1)
      guard again.weights.count == reader.weights.count else { return "WRONG: other tensors" }
      for tensor in reader.weights.tensors {
        guard let other = again.weights[tensor.info.name], other.info == tensor.info,
          try other.bytes() == tensor.bytes()
        else { return "WRONG: '\(tensor.info.name)' differs" }
      }
    }
    return "ok"
  }
}
