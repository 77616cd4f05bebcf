import TensorCore

/// Finds tensors that are codes of a quantisation, or the scales of such codes.
///
/// Averaging codes gives nonsense: they are copied when all inputs agree, and refused otherwise.
struct PackedTensors {
  /// What the names of scales end in, behind the name of the codes they belong to.
  private static let companionSuffixes = NameEndings(["_scale", "_scale_inv", ".absmax", ".SCB"])
  /// What the names of the parts of a quantised layer end in.
  private static let partSuffixes = NameEndings([
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
    isQuantized =
      weights.isQuantized
      || weights.tensors.contains { PackedTensors.markers.ending(of: $0.info.name) != nil }
  }

  func contains(_ info: TensorInfo) -> Bool {
    let name = info.name
    switch info.dtype {
    case .float8E4M3, .float8E5M2, .int8, .uint8:
      return isQuantized || hasCompanion(name)
    case _ where info.dtype.kind == .packed:
      return true
    case _ where isQuantized:
      return info.dtype.kind == .integer
        || PackedTensors.partSuffixes.ending(of: name) != nil
    default:
      return isCompanion(name)
    }
  }

  private func hasCompanion(_ name: String) -> Bool {
    let layer = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : nil
    return PackedTensors.companionSuffixes.endings.contains { weights[name + $0] != nil }
      || layer.map { weights[$0 + ".scale_weight"] != nil } ?? false
  }

  /// Whether the name is that of the scale of a tensor of codes.
  private func isCompanion(_ name: String) -> Bool {
    guard let suffix = PackedTensors.companionSuffixes.ending(of: name) else { return false }
    switch weights[String(name.dropLast(suffix.count))]?.info.dtype {
    case .float8E4M3?, .float8E5M2?, .int8?, .uint8?: return true
    default: return false
    }
  }
}

/// Tells the state of an optimizer by its name, as training frameworks write it beside weights.
enum OptimizerState {
  private static let prefixes = ["optimizer.", "optimizer/", "optimizer_state.", "optim."]
  private static let suffixes = NameEndings([
    ".exp_avg", ".exp_avg_sq", ".max_exp_avg_sq", ".momentum_buffer",
  ])

  static func contains(_ name: String) -> Bool {
    (name.utf8.first == UInt8(ascii: "o") && prefixes.contains { name.hasPrefix($0) })
      || suffixes.ending(of: name) != nil
  }
}

/// Ends of names, of which most names have none: the last byte tells that at once.
struct NameEndings: Sendable {
  /// The ends.
  let endings: [String]

  /// Whether a byte ends one of them.
  private let isLastByte: [Bool]

  init(_ endings: [String]) {
    self.endings = endings
    let lastBytes = Set(endings.compactMap(\.utf8.last))
    isLastByte = (0...255).map { lastBytes.contains(UInt8($0)) }
  }

  /// The first of the ends that the name has.
  func ending(of name: String) -> String? {
    guard let last = name.utf8.last, isLastByte[Int(last)] else { return nil }
    return endings.first { name.hasSuffix($0) }
  }
}
