import TensorCore

/// Finds codes of a quantisation, and the scales, zero points and tables that they are decoded with.
///
/// No list of formats is complete (GPTQ, AWQ, bitsandbytes, torchao, HQQ, EXL2, AQLM, MX formats, …). What they have in
/// common is a group with integers or small floats, and beside them numbers that are called scales.
struct QuantizedParts {
  /// What the names of the parts of a quantised layer end in, where a model is known to be quantised.
  private static let partEnds = [
    ".qweight", ".qzeros", ".g_idx", ".weight_packed", ".weight_scale", ".weight_scale_inv",
    ".weight_zero_point", ".input_scale", ".scales", ".absmax", ".nested_absmax", ".quant_map",
    ".nested_quant_map", ".SCB", ".scale_weight", ".scale_input",
  ]
  /// What the name of a tensor ends in that only quantised models have.
  private static let markers = [".qweight", "scaled_fp8"]
  /// What the names of scales and tables have in them, and those of codes have not.
  private static let scaleWords = [
    "scale", "absmax", "scb", "zero", "quant_map", "codebook", "centroid", "quant_state", "amax",
  ]
  /// What scales and tables are called by one letter or a short word alone.
  private static let scaleLeaves: Set<String> = ["s", "z", "lut", "tlut"]
  /// What whole numbers that are no codes have in their names.
  private static let maskWords = ["mask", "index", "indices", "position", "ids", "idx"]

  private let weights: WeightMap
  private let roles: [TensorRole]
  private let isQuantized: Bool
  private var found: [Int: TensorRole] = [:]

  /// Looks for them; nil when there can be none.
  init?(_ weights: WeightMap, _ roles: [TensorRole]) {
    let candidates = weights.tensors.indices.filter { position in
      QuantizedParts.canBeCodes(weights.tensors[position].info, roles[position])
    }
    guard !candidates.isEmpty else { return nil }
    self.weights = weights
    self.roles = roles
    isQuantized =
      weights.isQuantized
      || weights.tensors.contains { tensor in
        QuantizedParts.markers.contains { tensor.info.name.hasSuffix($0) }
      }
    addGroups(of: candidates)
    if isQuantized { addAllParts() }
  }

  /// The role of a tensor; nil for what is no part of a quantised layer.
  func role(at position: Int) -> TensorRole? {
    if weights.tensors[position].info.dtype.kind == .packed { return found[position] ?? .code }
    return found[position]
  }

  private static func canBeCodes(_ info: TensorInfo, _ role: TensorRole) -> Bool {
    guard role == .weight || role == .integer || role == .code else { return false }
    switch info.dtype {
    case .int8, .uint8, .int16, .uint16, .int32, .uint32: return info.shape.elementCount > 1
    case .float8E4M3, .float8E5M2: return true
    default: return info.dtype.kind == .packed
    }
  }

  // MARK: - By what stands beside

  /// A tensor of a group, by the last component of its name.
  private struct Member {
    let position: Int
    let leaf: String
  }

  private mutating func addGroups(of candidates: [Int]) {
    var parents: Set<Substring> = []
    for position in candidates {
      let parts = QuantizedParts.parts(of: weights.tensors[position].info.name)
      parents.insert(parts.parent)
      // bitsandbytes puts what belongs to `weight` below it: `weight.absmax`.
      parents.insert(weights.tensors[position].info.name[...] + ".")
    }
    var groups: [Substring: [Member]] = [:]
    for (position, tensor) in weights.tensors.enumerated() {
      let parts = QuantizedParts.parts(of: tensor.info.name)
      guard parents.contains(parts.parent) else { continue }
      groups[parts.parent, default: []].append(
        Member(position: position, leaf: parts.leaf.lowercased()))
    }
    let codes = Set(candidates)
    for (parent, members) in groups { addGroup(members, parent: parent, candidates: codes) }
  }

  private static func parts(of name: String) -> (parent: Substring, leaf: Substring) {
    guard let separator = name.lastIndex(where: { $0 == "." || $0 == "/" || $0 == "\\" }) else {
      return ("", name[...])
    }
    let next = name.index(after: separator)
    return (name[..<next], name[next...])
  }

  private mutating func addGroup(_ members: [Member], parent: Substring, candidates: Set<Int>) {
    let scales = members.filter { isScale($0) }
    guard !scales.isEmpty else { return }
    let codes = members.filter { member in
      candidates.contains(member.position) && !isScale(member) && !isMask(member)
    }
    let largest = codes.max { elementCount($0) < elementCount($1) }
    for code in codes {
      let own = scales.filter { scale in
        isNamed(scale, after: code) || code.position == largest?.position && fits(scale, code)
      }
      if own.isEmpty { continue }
      found[code.position] = .code
      for scale in own { found[scale.position] = .scale }
    }
    guard let owner = weights.position(of: String(parent.dropLast())), candidates.contains(owner)
    else { return }
    found[owner] = .code
    for scale in scales { found[scale.position] = .scale }
  }

  private func elementCount(_ member: Member) -> Int {
    weights.tensors[member.position].info.shape.elementCount
  }

  /// Whether a tensor is called a scale, a zero point or a table.
  private func isScale(_ member: Member) -> Bool {
    guard roles[member.position] == .weight || roles[member.position] == .integer,
      weights.tensors[member.position].info.dtype != .int64
    else { return false }
    return QuantizedParts.scaleLeaves.contains(member.leaf)
      || QuantizedParts.scaleWords.contains { member.leaf.contains($0) }
  }

  private func isMask(_ member: Member) -> Bool {
    QuantizedParts.maskWords.contains { member.leaf.contains($0) }
  }

  /// Whether the name of a scale begins like that of the codes.
  private func isNamed(_ scale: Member, after code: Member) -> Bool {
    if code.leaf == "weight" {
      if ["scale", "scb", "input_scale", "zero_point"].contains(scale.leaf) { return true }
      if scale.leaf.hasPrefix("scale_") { return true }
    }
    return scale.leaf.hasPrefix(code.leaf)
      || code.leaf.contains("_") && scale.leaf.hasPrefix(stem(of: code.leaf))
  }

  /// `_weight_qdata` → `_weight_`, `down_proj_blocks` → `down_proj_`, `q_weight` → `q_`.
  private func stem(of leaf: String) -> String {
    leaf.lastIndex(of: "_").map { String(leaf[...$0]) } ?? leaf
  }

  /// Whether a scale can be that of integers, whatever both are called: it has no more values.
  ///
  /// A layer of small floats may have a learned scale: there, names have to agree.
  private func fits(_ scale: Member, _ code: Member) -> Bool {
    weights.tensors[code.position].info.dtype.kind != .floating
      && (elementCount(scale) <= elementCount(code) || !scale.leaf.contains("scale"))
  }

  // MARK: - By what the model says of itself

  /// All integers of a model that is known to be quantised, and what is named like a part of its layers.
  private mutating func addAllParts() {
    for (position, tensor) in weights.tensors.enumerated()
    where found[position] == nil && [.weight, .integer, .constant].contains(roles[position]) {
      switch tensor.info.dtype {
      case .float8E4M3, .float8E5M2: found[position] = .code
      case let dtype where dtype.kind == .integer: found[position] = .code
      default:
        if QuantizedParts.partEnds.contains(where: { tensor.info.name.hasSuffix($0) }) {
          found[position] = .scale
        }
      }
    }
  }
}
