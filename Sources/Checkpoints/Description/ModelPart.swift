import FileIO
public import JSONText
import SystemPackage
import TensorCore

/// Something that a checkpoint holds beside its tensors, in a form that can be compared with that of another.
public struct ModelPart: Sendable {
  /// What it holds.
  public enum Content: Sendable {
    /// A configuration whose keys are those of transformers, diffusers, PEFT or sentence-transformers.
    case configuration(JSONValue)
    /// A configuration of Keras, in which the layers of a model are described.
    case layers(JSONValue)
    /// Which number stands for which word: the same weights mean something else with another one.
    case vocabulary(String)
    /// A text or its digest: equal texts are equal contents.
    case text(String)
    /// A small file beside the weights, which is read where that of the other checkpoint has other bytes.
    case file(SidecarFile)
    /// Something that is not read, with the reason as the end of a sentence.
    case unread(String)
  }

  /// What to call it: `config.json`, `'epoch'`, `attribute 'units' of 'x'`.
  public let name: String
  /// What it holds.
  public let content: Content

  /// Describes a part.
  package init(name: String, content: Content) {
    self.name = name
    self.content = content
  }

  /// The same part in a folder or file of a model in several.
  func prefixed(by prefix: String) -> ModelPart {
    prefix.isEmpty ? self : ModelPart(name: "\(prefix): \(name)", content: content)
  }
}

extension ModelPart {
  /// The entries of metadata that are parts of a model, which are compared as such.
  public static let configurations: Set<String> = ["model_config", "training_config"]
}

extension CheckpointReader {
  /// What the checkpoint holds beside its tensors: in its files, and in the small files that lie beside them.
  ///
  /// - Parameter comparesTensors: whether the values of tensors that are not among the weights are told, for which
  ///   they are read.
  /// - Throws: `FileError`, `CheckpointError`.
  public func allParts(comparesTensors: Bool = true) throws -> [ModelPart] {
    var parts = try ownParts(comparesTensors)
    if case .components(let model) = arrangement {
      for component in model.components {
        parts += try component.reader.ownParts(comparesTensors).map {
          $0.prefixed(by: String(component.prefix.dropLast()))
        }
      }
    }
    return parts
      + (try sidecarFiles().map {
        ModelPart(name: $0.name, content: .file(SidecarFile(path: $0.path)))
      })
  }

  /// The small files that belong to the model, also when the name of its one file is that of a model's in a folder.
  private func sidecarFiles() throws -> [Sidecars.File] {
    guard let folder else {
      let isModel = path.lastComponent.map { CheckpointFolder.isUsual($0.string) } ?? false
      return isModel ? try Sidecars.files(in: path.folder) : []
    }
    guard case .components(let model) = arrangement else { return try Sidecars.files(in: folder) }
    return try Sidecars.files(in: folder, of: model)
  }
}

/// A small file that says something of the model that it lies beside.
public struct SidecarFile: Sendable {
  /// Where it is.
  let path: FilePath

  /// Files whose order of words gives the weights their meaning.
  private static let vocabularies = [
    "vocab.*", "*.model", "tokenizer.model.*", "merges.txt", "*.spm", "*.tiktoken", "tekken.json",
    "encoder.json", "vocabulary.txt",
  ].map { Glob($0) }

  /// Whether both have the same bytes.
  func isSame(as other: SidecarFile) throws -> Bool {
    let files = [try ReadableFile(path), try ReadableFile(other.path)]
    guard files[0].size == files[1].size else { return false }
    if files[0].identity == files[1].identity { return true }
    return try files[0].sha256() == files[1].sha256()
  }

  /// What the file says of the model.
  func contents() throws -> ModelPart.Content {
    let base = path.lastComponent?.string ?? ""
    let file = try ReadableFile(path)
    let isText = base.hasSuffix(".json") && file.size <= SmallFile.maximumSize
    if base != "vocab.json", base != "encoder.json", base != "tekken.json", isText,
      let value = try? JSONValue(
        parsing: try file.bytes(in: 0..<file.size), acceptsPythonNumbers: true)
    {
      return .configuration(value)
    }
    let digest = try file.sha256() ?? ""
    let isVocabulary = SidecarFile.vocabularies.contains { $0.matches(base) }
    return isVocabulary ? .vocabulary(digest) : .text(digest)
  }
}
