public import TensorCore

/// What the tensors of a checkpoint are to its model: the one place that is asked.
///
/// What the file declares comes first; then the words of frameworks in names, dtypes, and what stands beside a tensor.
public struct TensorRoles: Sendable {
  /// Integers of at most so many elements are counters; larger ones may be codes.
  static let counterElementCount = 32

  private let weights: WeightMap
  private var roles: [TensorRole]

  /// Looks at a catalogue.
  public init(_ weights: WeightMap) {
    self.weights = weights
    var reading = RoleReading(weights)
    reading.addSlotNeighbours()
    reading.addMovingAverages()
    roles = reading.roles
    addQuantizedParts()
  }

  /// The role of the tensor at this place.
  public subscript(position: Int) -> TensorRole { roles[position] }

  /// The role of the tensor of this name; nil when there is none.
  public func role(of name: String) -> TensorRole? {
    weights.position(of: name).map { roles[$0] }
  }

  /// How many tensors there are.
  public var count: Int { roles.count }

  /// The running mean that belongs to the running variance at `position`; nil when the file has none.
  public func mean(ofVarianceAt position: Int) -> Tensor? {
    guard roles[position] == .statistic(.variance),
      let name = TensorRoles.meanName(ofVariance: weights.tensors[position].info.name)
    else { return nil }
    return weights[name]
  }

  /// The name of the mean beside a variance, whatever there is; nil when it follows from no rule.
  static func meanName(ofVariance name: String) -> String? {
    let suffix = ["/.ATTRIBUTES/VARIABLE_VALUE", ":0"].first { name.hasSuffix($0) } ?? ""
    let stem = String(name.dropLast(suffix.count))
    for (variance, mean) in RoleVocabulary.variancesAndMeans where stem.hasSuffix(variance) {
      return stem.dropLast(variance.count) + mean + suffix
    }
    // Haiku keeps both in modules of their own.
    let parts = stem.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count >= 2, parts[parts.count - 2] == "var_ema" {
      return (parts.dropLast(2) + ["mean_ema", parts[parts.count - 1]]).joined(separator: "/")
    }
    guard let separator = stem.lastIndex(where: { $0 == "/" || $0 == "\\" }),
      let number = Int(stem[stem.index(after: separator)...]), number > 0
    else { return nil }
    return stem[...separator] + String(number - 1)
  }

  /// Codes, and what they are decoded with, are known by each other.
  private mutating func addQuantizedParts() {
    guard let parts = QuantizedParts(weights, roles) else { return }
    for (position, tensor) in weights.tensors.enumerated() where tensor.declaredRole == nil {
      if let role = parts.role(at: position) { roles[position] = role }
    }
  }
}

/// Reads roles from declarations and names.
private struct RoleReading {
  private let weights: WeightMap
  private(set) var roles: [TensorRole] = []
  /// The groups that hold what an optimizer keeps for a weight.
  private var slotParents: Set<String> = []
  /// The tensors that are averages if there is a model beside them.
  private var averages: [Int] = []

  init(_ weights: WeightMap) {
    self.weights = weights
    roles.reserveCapacity(weights.count)
    for (position, tensor) in weights.tensors.enumerated() {
      if let declared = tensor.declaredRole {
        roles.append(declared)
      } else {
        roles.append(role(of: tensor, at: position))
      }
    }
  }

  private mutating func role(of tensor: Tensor, at position: Int) -> TensorRole {
    let name = tensor.info.name
    let words = NameWords(name)
    switch words.place {
    case .optimizer?: return .optimizerState
    case .progress?: return .progress
    case .movingStatistic(let role)?:
      return name.hasSuffix("counter") ? .statistic(.batchCount) : role
    case .movingAverage?: averages.append(position)
    case .batchStatistics?, nil: break
    }
    return role(of: tensor, words) ?? (tensor.info.dtype.isWhole ? .integer : .weight)
  }

  private mutating func role(of tensor: Tensor, _ words: NameWords) -> TensorRole? {
    let name = tensor.info.name
    switch words.leaf {
    case .role(let role)?: return role
    case .slot?:
      slotParents.insert(parent(of: name, words))
      return .optimizerState
    case .slotOfOwner?:
      return weights[String(parent(of: name, words).dropLast())] == nil ? nil : .optimizerState
    case .mean? where words.place == .batchStatistics: return .statistic(.mean)
    case .variance? where words.place == .batchStatistics: return .statistic(.variance)
    case .chainerCount?:
      return weights[parent(of: name, words) + "avg_mean"] == nil ? nil : .statistic(.batchCount)
    case .constant?: return tensor.info.dtype.isWhole ? .constant : nil
    case .mean?, .variance?, nil: return numberedRole(words, name)
    }
  }

  private func parent(of name: String, _ words: NameWords) -> String {
    String(decoding: name.utf8.prefix(words.parentLength), as: UTF8.self)
  }

  /// `layers/batch_normalization_1/vars/2`: gamma and beta, when the layer has them, come before.
  private func numberedRole(_ words: NameWords, _ name: String) -> TensorRole? {
    guard let number = words.batchNormVariable else { return nil }
    let prefix = parent(of: name, words)
    var count = number
    while weights[prefix + String(count)] != nil { count += 1 }
    return number == count - 2
      ? .statistic(.mean) : number == count - 1 ? .statistic(.variance) : nil
  }

  /// Beside `exp_avg` stands the optimizer's `step`.
  mutating func addSlotNeighbours() {
    if slotParents.isEmpty { return }
    for (position, tensor) in weights.tensors.enumerated()
    where roles[position] == .weight || roles[position] == .integer {
      guard tensor.declaredRole == nil else { continue }
      let words = NameWords(tensor.info.name)
      if slotParents.contains(parent(of: tensor.info.name, words)) {
        roles[position] = .optimizerState
      }
    }
  }

  /// What is called an average is one when there is a model that it can be of; alone, it is the model.
  mutating func addMovingAverages() {
    if averages.isEmpty { return }
    let marked = Set(averages)
    let hasModel = weights.tensors.indices.contains { position in
      roles[position] == .weight && !marked.contains(position)
        && weights.tensors[position].info.dtype.isAveraged
    }
    guard hasModel else { return }
    for position in averages where roles[position] == .weight || roles[position] == .integer {
      roles[position] = .movingAverage
    }
  }
}

extension DType {
  /// Whether the values are whole numbers or truth values.
  var isWhole: Bool { kind == .integer || kind == .boolean }
}
