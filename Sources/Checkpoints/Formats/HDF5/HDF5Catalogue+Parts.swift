import HDF5Format
import JSONText

extension HDF5Catalogue {
  /// What the file holds beside numbers: attributes, texts, records.
  ///
  /// The texts at the root are the metadata of the checkpoint; of them, only configurations are told.
  var parts: [ModelPart] {
    var parts: [ModelPart] = []
    for name in ModelPart.configurations.sorted() {
      guard let text = rootTexts[name]?.first, let value = try? JSONValue(parsing: Array(text.utf8))
      else { continue }
      parts.append(ModelPart(name: name, content: .layers(value)))
    }
    let paths = groups.map { ($0.object, $0.path) } + datasets.map { ($0.object, $0.path) }
    for (object, path) in paths {
      for (name, values) in (attributes[object] ?? [:]).sorted(by: { $0.key < $1.key }) {
        if path.isEmpty, case .texts(let texts) = values, texts.count == 1 { continue }
        let owner = path.isEmpty ? "the root" : "'\(path)'"
        parts.append(ModelPart(name: "attribute '\(name)' of \(owner)", content: values.content))
      }
    }
    for dataset in datasets {
      guard case .other(let kind) = dataset.type else { continue }
      let shape = dataset.dimensions.map { "\($0) " } ?? ""
      let values = values[dataset.object] ?? .notRead
      parts.append(
        ModelPart(name: "'\(dataset.path)' (\(kind))", content: values.content(prefix: shape)))
    }
    return parts
  }
}

extension HDF5Values {
  fileprivate var content: ModelPart.Content { content(prefix: "") }

  fileprivate func content(prefix: String) -> ModelPart.Content {
    switch self {
    case .texts(let texts):
      .text(prefix + JSONValue.array(texts.map { .string($0) }).text)
    case .bytes(let bytes):
      .text(prefix + bytes.map { String($0, radix: 16) }.joined(separator: " "))
    case .notRead: .unread("such values are not read")
    }
  }
}
