import SystemPackage
import TensorCore

/// What a plain HDF5 file of tensors looks like.
enum HDF5Names {
  /// A chunk has at most so many bytes; a row that is larger is cut too.
  private static let chunkSize = 256 << 10

  /// The extents of the chunks of a tensor: as many whole rows as fit.
  static func chunkShape(for info: TensorInfo) -> [Int] {
    var shape = info.shape.dimensions
    var size = info.byteCount
    for axis in shape.indices where size > chunkSize {
      let rowSize = size / shape[axis]
      shape[axis] = max(1, min(shape[axis], chunkSize / max(rowSize, 1)))
      size = rowSize * shape[axis]
    }
    return shape
  }

  /// Checks that all names can be paths: slashes in them make groups.
  ///
  /// - Throws: `CheckpointError`.
  static func check(_ weights: WeightMap, _ path: FilePath) throws {
    guard let first = unsupported(in: weights).first else { return }
    throw CheckpointError(
      .usage, path, "tensor '\(first.name)': \(first.reason)", hint: "write .safetensors")
  }

  /// The tensors whose names cannot be paths.
  static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    var found: [UnsupportedTensor] = []
    var groups: Set<ExactString> = []
    for tensor in weights.tensors {
      let name = tensor.info.name
      let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      let isPath = parts.allSatisfy { part in
        !part.isEmpty && !part.elementsEqual([0x2E]) && !part.contains(0)
      }
      guard isPath else {
        found.append(
          UnsupportedTensor(name: name, reason: "this name cannot be a path in an HDF5 file"))
        continue
      }
      var group = ""
      for part in parts.dropLast() {
        group += (group.isEmpty ? "" : "/") + String(decoding: part, as: UTF8.self)
        groups.insert(ExactString(group))
      }
    }
    for tensor in weights.tensors where groups.contains(ExactString(tensor.info.name)) {
      let name = tensor.info.name
      found.append(
        UnsupportedTensor(
          name: name,
          reason: "it would be a group in an HDF5 file as well: others are named '\(name)/…'"))
    }
    return found
  }
}
