import TensorCore

/// Finds tensors that are codes of a quantisation, or the scales of such codes.
///
/// Averaging codes gives nonsense: they are copied when all inputs agree, and refused otherwise.
struct PackedTensors {
  /// What the names of scales end in, behind the name of the codes they belong to.
  fileprivate static let companionSuffixes = NameEndings([
    "_scale", "_scale_inv", "_scale_2", ".scale", ".absmax", ".SCB",
  ])
  /// What the names of scales end in, behind the name of the layer whose `weight` is the codes.
  fileprivate static let layerSuffixes = NameEndings([
    ".SCB", ".scale", ".scale_weight", ".scale_input", ".input_scale", ".zero_point",
  ])
  /// What the names of the parts of a quantised layer end in.
  fileprivate static let partSuffixes = NameEndings([
    ".qweight", ".qzeros", ".g_idx", ".weight_packed", ".weight_scale", ".weight_scale_inv",
    ".weight_zero_point", ".input_scale", ".scales", ".absmax", ".nested_absmax", ".quant_map",
    ".nested_quant_map", ".SCB", ".scale_weight", ".scale_input",
  ])

  /// What the name of a tensor ends in that only quantised models have.
  private static let markers = NameEndings([".qweight", "scaled_fp8"])

  private let weights: WeightMap
  private let isQuantized: Bool

  init(_ weights: WeightMap) {
    self.weights = weights
    isQuantized = weights.isQuantized || PackedTensors.haveMarker(weights.tensors)
  }

  private static func haveMarker(_ tensors: [Tensor]) -> Bool {
    let markers = markers
    for index in tensors.indices where markers.mayEnd(tensors[index].info.name) {
      if markers.ending(of: tensors[index].info.name) != nil { return true }
    }
    return false
  }

  /// Whether a tensor consists of codes or belongs to some.
  ///
  /// - Parameter endsUsually: whether the name has none of `NameEndings.special`.
  func contains(_ tensor: Tensor, endsUsually: Bool) -> Bool {
    switch tensor.info.dtype {
    case .float8E4M3, .float8E5M2, .int8, .uint8:
      return isQuantized || hasCompanion(tensor.info.name)
    case let dtype where dtype.kind == .packed:
      return true
    case let dtype where isQuantized:
      return dtype.kind == .integer
        || !endsUsually && PackedTensors.partSuffixes.ending(of: tensor.info.name) != nil
    default:
      return !endsUsually && isCompanion(tensor.info.name)
    }
  }

  private func hasCompanion(_ name: String) -> Bool {
    if PackedTensors.companionSuffixes.endings.contains(where: { weights[name + $0] != nil }) {
      return true
    }
    guard name.hasSuffix(".weight") else { return false }
    let layer = String(name.dropLast(".weight".count))
    return PackedTensors.layerSuffixes.endings.contains { weights[layer + $0] != nil }
  }

  /// Whether the name is that of the scale of a tensor of codes.
  private func isCompanion(_ name: String) -> Bool {
    let owners = [
      PackedTensors.companionSuffixes.ending(of: name).map { String(name.dropLast($0.count)) },
      PackedTensors.layerSuffixes.ending(of: name).map {
        String(name.dropLast($0.count)) + ".weight"
      },
    ]
    return owners.contains { owner in
      switch owner.flatMap({ weights[$0] })?.info.dtype {
      case .float8E4M3?, .float8E5M2?, .int8?, .uint8?: true
      default: false
      }
    }
  }
}

/// Tells the state of an optimizer by its name, as training frameworks write it beside weights.
package enum OptimizerState {
  private static let prefixes = [
    "optimizer.", "optimizer/", "optimizer_weights/", "optimizer_state.", "optim.",
    "optimizer_state_dict.", "optimizer_states.", "optimizers.",
  ]
  fileprivate static let suffixes = NameEndings([
    ".exp_avg", ".exp_avg_sq", ".max_exp_avg_sq", ".momentum_buffer",
  ])

  /// Whether a name is that of a tensor of an optimizer.
  package static func contains(_ name: String) -> Bool {
    contains(name, endsUsually: !suffixes.mayEnd(name))
  }

  /// Whether a name is that of a tensor of an optimizer.
  ///
  /// - Parameter endsUsually: whether the name has none of `NameEndings.special`.
  static func contains(_ name: String, endsUsually: Bool) -> Bool {
    (name.utf8.first == UInt8(ascii: "o") && prefixes.contains { name.hasPrefix($0) })
      || !endsUsually && suffixes.ending(of: name) != nil
  }
}

/// Ends of names, of which most names have none: the last byte tells that at once.
struct NameEndings: Sendable {
  /// All ends that tell what a tensor is.
  static let special = NameEndings(
    PackedTensors.companionSuffixes.endings + PackedTensors.layerSuffixes.endings
      + PackedTensors.partSuffixes.endings + OptimizerState.suffixes.endings)

  /// The ends.
  let endings: [String]

  /// Whether a byte ends one of them: a bit for each byte.
  private let lastBytes: InlineArray<4, UInt64>

  init(_ endings: [String]) {
    self.endings = endings
    var lastBytes = InlineArray<4, UInt64>(repeating: 0)
    for byte in endings.compactMap(\.lastByte) {
      lastBytes[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }
    self.lastBytes = lastBytes
  }

  /// Whether the last byte of the name is that of one of the ends.
  func mayEnd(_ name: String) -> Bool {
    guard let last = name.lastByte else { return false }
    return lastBytes[Int(last >> 6)] >> UInt64(last & 63) & 1 != 0
  }

  /// The first of the ends that the name has.
  func ending(of name: String) -> String? {
    mayEnd(name) ? endings.first { name.hasSuffix($0) } : nil
  }
}
