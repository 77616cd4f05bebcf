import FileIO
import PyTorchFormat
import TensorCore

extension PyTorchStructure {
  /// How much of a tensor is read at a time.
  private static let blockSize = 1 << 20

  /// What the file holds beside the tensors of its state dictionary.
  ///
  /// - Parameter comparesTensors: whether all is told, the values of other tensors among it; otherwise only what gives
  ///   numbers their names.
  /// - Throws: `FileError`, `PyTorchError`.
  func parts(comparesTensors: Bool) throws -> [ModelPart] {
    var sources = PyTorchSources(contents)
    let others = try OtherValues(
      in: contents, beside: dictionary,
      includes: { comparesTensors || ConfigurationKeys.isVocabulary($0) }
    ) { view in
      let description = "\(view.dtype.rawValue) \(view.shape)"
      guard comparesTensors else { return description }
      let entry = StateDictionary.Entry(name: "", view: view)
      return description + " " + (try PyTorchStructure.digest(of: try sources.tensor(entry)))
    }
    return others.parts.map { part in
      let content = part.text.map { ModelPart.Content.text($0) } ?? .unread("it is too large")
      return ModelPart(name: "'\(part.path)'", content: content)
    }
  }

  private static func digest(of tensor: Tensor) throws -> String {
    var digest = SHA256()
    let buffer = ByteBuffer(count: min(blockSize, tensor.info.byteCount))
    for start in stride(from: 0, to: tensor.info.byteCount, by: blockSize) {
      let range = start..<min(start + blockSize, tensor.info.byteCount)
      try tensor.read(bytes: range, into: buffer, at: 0)
      digest.update(buffer.bytes(in: 0..<range.count))
    }
    return digest.finalized()
  }
}
