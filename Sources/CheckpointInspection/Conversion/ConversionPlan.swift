public import Checkpoints
import SystemPackage
public import TensorCore

/// What is to be changed on the way from one file to another.
public struct ConversionOptions: Sendable {
  /// Which tensors are taken, and the dtype that floating-point ones get.
  public var policy = AlignmentPolicy()
  /// How names change.
  public var names = NameChange.none
  /// Whether tensors that are one are written one by one rather than refused, where the format has no ties;
  /// where it has, `OutputRequest.unties` has it write them so.
  public var unties = false
  /// Whether the output is cut into files of a given size, which hold nothing but tensors.
  public var cutsFiles = false
  /// Whether what the format cannot hold is left out rather than refused.
  public var skipsUnsupported = false

  /// Nothing is changed.
  public init() {}
}

/// A conversion that was checked: what is written, and what cannot be.
public struct ConversionPlan: Sendable {
  /// Something that the new format cannot hold.
  public struct Skipped: Sendable {
    /// What it is: a tensor, or other contents.
    public let description: String
    /// Whether two names stand for one tensor.
    public let isTie: Bool
  }

  /// The tensors as they are written, with the input's metadata.
  public let weights: WeightMap
  /// What is left out.
  public let skipped: [Skipped]
  /// The new names of the tensors that get one, by their old ones.
  public let newNames: [ExactString: String]
  /// How many tensors get another dtype.
  public let convertedCount: Int
  /// Whether the output lacks what else the input says of the model: attributes, a configuration.
  public let losesStructure: Bool

  /// Checks that a format can hold a checkpoint.
  ///
  /// - Throws: `ConversionError` with all that it cannot hold, unless that is left out; `InspectionError` and
  ///   `SelectionError` for names that do not fit.
  public init(
    _ reader: CheckpointReader, to format: any CheckpointFormat.Type,
    options: ConversionOptions = ConversionOptions()
  ) throws {
    var policy = options.policy
    policy.purpose = .choosing
    let plan = try MergePlan([reader.weights], labels: [reader.path.string], policy: policy)
    // Values that keep their dtype are copied bit by bit; a mean of one would change the bits of NaN.
    let kept = plan.entries.map { $0.info.dtype == $0.tensors[0].info.dtype }
    let chosen = try WeightMap(
      plan.entries.enumerated().map { index, entry in
        kept[index]
          ? entry.tensors[0]
          : Tensor(
            entry.info, storage: .computed(.linear(.uniform(inputCount: 1)), entry.tensors))
      }, metadata: reader.weights.metadata)
    let names = try options.names.names(of: chosen)
    var tensors: [Tensor] = []
    tensors.reserveCapacity(names.count)
    var newNames: [ExactString: String] = [:]
    for (tensor, name) in zip(chosen.tensors, names) {
      guard ExactString(tensor.info.name) != ExactString(name) else {
        tensors.append(tensor)
        continue
      }
      newNames[ExactString(tensor.info.name)] = name
      tensors.append(try tensor.renamed(name))
    }
    var renamed = try WeightMap(tensors, metadata: chosen.metadata)
    renamed.unreadable = plan.unreadable
    let checked = ConversionPlan.checked(renamed, reader, format, options)
    guard checked.skipped.isEmpty || options.skipsUnsupported else {
      throw ConversionError(
        label: reader.path.string, format: format.name, skipped: checked.skipped)
    }
    weights = checked.weights
    skipped = checked.skipped
    self.newNames = newNames
    convertedCount = kept.count { !$0 }
    losesStructure =
      reader.format.describesModels
      && !reader.keepsOtherContents(in: format, isCut: options.cutsFiles)
  }

  /// What the format can hold, and what it cannot.
  private static func checked(
    _ weights: WeightMap, _ reader: CheckpointReader, _ format: any CheckpointFormat.Type,
    _ options: ConversionOptions
  ) -> (weights: WeightMap, skipped: [Skipped]) {
    var skipped: [Skipped] = []
    var dropped: Set<ExactString> = []
    for tensor in format.unsupported(in: weights)
    where dropped.insert(ExactString(tensor.name)).inserted {
      skipped.append(
        Skipped(description: "tensor '\(tensor.name)': \(tensor.reason)", isTie: false))
    }
    for tensor in weights.unreadable {
      skipped.append(
        Skipped(
          description:
            "tensor '\(tensor.name)': \(tensor.reason), which this version does not read",
          isTie: false))
    }
    var metadata = weights.metadata
    if !format.keepsTies && !options.unties {
      for (position, first) in TiedTensors(weights).groups.enumerated() where first != position {
        let (name, other) = (
          weights.tensors[position].info.name, weights.tensors[first].info.name
        )
        guard dropped.insert(ExactString(name)).inserted else { continue }
        skipped.append(
          Skipped(
            description:
              "tensor '\(name)': it is the same as '\(other)', and \(format.name) has no ties",
            isTie: true))
        // As the reference implementation of safetensors records it.
        metadata[ExactString(name)] = other
      }
    }
    if !reader.keepsOtherContents(in: format, isCut: options.cutsFiles) {
      skipped += reader.otherContents.map {
        Skipped(description: "\($0): it is no tensor", isTie: false)
      }
    }
    if dropped.isEmpty { return (weights, skipped) }
    let left = weights.tensors.filter { !dropped.contains(ExactString($0.info.name)) }
    return (WeightMap(distinct: left, metadata: metadata), skipped)
  }
}

/// What a format cannot hold, all of it.
public struct ConversionError: DiagnosedError {
  /// How many things are listed before the rest is only counted.
  private static let listedCount = 20

  let label: String
  let format: String
  let skipped: [ConversionPlan.Skipped]

  /// Always `badInput`.
  public var kind: FailureKind { .badInput }

  /// A line for each.
  public var description: String {
    var lines = [
      "\(label): \(format) cannot hold "
        + (skipped.count == 1 ? "one thing in it" : "\(skipped.count) things in it")
    ]
    lines += skipped.prefix(ConversionError.listedCount).map { "  " + $0.description }
    if skipped.count > ConversionError.listedCount {
      lines.append("  … and \(skipped.count - ConversionError.listedCount) more")
    }
    return lines.joined(separator: "\n")
  }

  /// The options that would let it pass.
  public var hint: String? {
    let ways = ["--skip-unsupported leaves such things out"]
    return
      (ways + (skipped.contains(where: \.isTie) ? ["--untie writes tied tensors one by one"] : []))
      .joined(separator: "; ")
  }
}
