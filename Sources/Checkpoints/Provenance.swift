public import JSONText
public import TensorCore

/// Where a checkpoint came from: kept in the file's own metadata under one key, as JSON.
public struct Provenance: Sendable {
  /// The metadata key.
  public static let key: ExactString = "imwa"
  /// The metadata key of the number of updates of an exponential moving average.
  public static let updateCountKey: ExactString = "imwa_ema_updates"
  /// The version of the toolkit that wrote the file.
  public static let toolkitVersion = "0.1.0"

  /// An input.
  public struct Input: Sendable {
    /// The last component of its path.
    public let name: String
    /// What the method has for it, such as its weight.
    public let parameter: (name: String, value: Double)?
    /// SHA-256 of its files by name, when asked for.
    public let digests: [(file: String, sha256: String)]
    /// What the input itself records, where it is still true of the result.
    public var origin: JSONValue?

    /// Describes an input.
    public init(
      name: String, parameter: (name: String, value: Double)? = nil,
      digests: [(file: String, sha256: String)] = []
    ) {
      self.name = name
      self.parameter = parameter
      self.digests = digests
    }
  }

  /// The name of the merge method.
  public let method: String
  /// The inputs in order.
  public let inputs: [Input]

  /// Describes a merge.
  public init(method: String, inputs: [Input]) {
    self.method = method
    self.inputs = inputs
  }

  /// The record as one line of JSON; the same merge gives the same text.
  public var json: JSONValue {
    let inputs = inputs.map { input in
      var members = [JSONValue.Member("name", .string(input.name))]
      if let parameter = input.parameter {
        members.append(JSONValue.Member(parameter.name, .float(parameter.value)))
      }
      if input.digests.count == 1 {
        members.append(JSONValue.Member("sha256", .string(input.digests[0].sha256)))
      } else if !input.digests.isEmpty {
        let files = input.digests.map { JSONValue.Member($0.file, .string($0.sha256)) }
        members.append(JSONValue.Member("sha256", .object(files)))
      }
      if let origin = input.origin { members.append(JSONValue.Member("origin", origin)) }
      return JSONValue.object(members)
    }
    return .object([
      JSONValue.Member("inputs", .array(inputs)),
      JSONValue.Member("method", .string(method)),
      JSONValue.Member("version", .string(Provenance.toolkitVersion)),
    ])
  }
}

extension Provenance {
  /// The record of a checkpoint that another program or version may have written; nil when it has none.
  package static func record(in weights: WeightMap) -> JSONValue? {
    weights.metadata[key].flatMap { try? JSONValue(parsing: Array($0.utf8)) }
  }
}

extension WeightMap {
  /// The same tensors with a record of where they came from, or with none.
  ///
  /// What earlier versions of the inputs recorded is not true of the result and goes.
  public func recording(_ provenance: Provenance?) -> WeightMap {
    var result = self
    result.metadata[Provenance.key] = provenance?.json.text
    result.metadata[Provenance.updateCountKey] = nil
    return result
  }
}
