import Checkpoints
public import TensorCore

/// What the tensors of a checkpoint are, and what they come to, from its catalogue alone.
public struct CheckpointOverview: Sendable {
  /// What a tensor is for, in the words of reports.
  public enum Role: String, Sendable, Hashable, CaseIterable {
    /// A value of the model.
    case weight
    /// A running statistic of a normalisation.
    case batchNorm = "batch norm"
    /// State of an optimizer.
    case optimizer
    /// A moving average of weights that are in the file, too.
    case movingAverage = "moving average"
    /// Codes of a quantisation.
    case code
    /// What codes are decoded with.
    case scale
    /// A buffer that the architecture determines.
    case constant
    /// Steps, metrics, states of random numbers.
    case progress
    /// Whole numbers or truth values that nothing explains.
    case integer

    init(_ role: TensorRole) {
      self =
        switch role {
        case .weight: .weight
        case .statistic: .batchNorm
        case .optimizerState: .optimizer
        case .movingAverage: .movingAverage
        case .code: .code
        case .scale: .scale
        case .constant: .constant
        case .progress: .progress
        case .integer: .integer
        }
    }
  }

  /// How much there is of something.
  public struct Total: Sendable, Hashable {
    /// How many tensors.
    public fileprivate(set) var tensorCount = 0
    /// How many elements they have.
    public fileprivate(set) var elementCount = 0
    /// How many bytes their values have.
    public fileprivate(set) var byteCount = 0

    mutating func add(_ info: TensorInfo) {
      tensorCount += 1
      // Sparse files can pretend to more than can be counted.
      elementCount = elementCount.addingSaturated(info.shape.elementCount)
      byteCount = byteCount.addingSaturated(info.byteCount)
    }
  }

  /// A group of names that begin alike, or a tensor.
  public struct Node: Sendable {
    /// The components of the name that the nodes above do not tell.
    public let label: String
    /// How deep it stands.
    public let depth: Int
    /// The tensor, counted in the weights; nil for a group.
    public let tensor: Int?
    /// What all below it comes to.
    public let total: Total
  }

  /// The weights.
  public let weights: WeightMap
  /// What each tensor is for.
  public let roles: [Role]
  /// What the tensors of a role come to.
  public let totals: [Role: Total]
  /// How many tensors there are of each dtype, in the order of the dtypes.
  public let dtypes: [(dtype: DType, count: Int)]

  /// Looks at the catalogue.
  public init(_ weights: WeightMap) {
    self.weights = weights
    let found = TensorRoles(weights)
    var roles: [Role] = []
    roles.reserveCapacity(weights.count)
    var totals: [Role: Total] = [:]
    var dtypes: [DType: Int] = [:]
    for (position, tensor) in weights.tensors.enumerated() {
      let role = Role(found[position])
      roles.append(role)
      totals[role, default: Total()].add(tensor.info)
      dtypes[tensor.info.dtype, default: 0] += 1
    }
    self.roles = roles
    self.totals = totals
    self.dtypes = DType.allCases.compactMap { dtype in dtypes[dtype].map { (dtype, $0) } }
  }

  /// What all tensors come to.
  public var total: Total {
    var total = Total()
    for tensor in weights.tensors { total.add(tensor.info) }
    return total
  }

  /// The tensors under the groups that their names make, each in the order of its first tensor.
  ///
  /// Names are cut at slashes where there are any, else at dots. A group of one group or one tensor is one with it.
  public func tree() -> [Node] {
    let hasSlashes = weights.tensors.contains { $0.info.name.utf8.contains(UInt8(ascii: "/")) }
    var builder = TreeBuilder(separator: UInt8(ascii: hasSlashes ? "/" : "."))
    for (position, tensor) in weights.tensors.enumerated() { builder.add(tensor.info, position) }
    return builder.nodes()
  }
}

/// Makes groups of names.
private struct TreeBuilder {
  private struct Group {
    let label: [UInt8]
    var total = CheckpointOverview.Total()
    var children: [Child] = []
    var groups: [[UInt8]: Int] = [:]
  }

  private enum Child {
    case group(Int)
    case tensor(Int, label: String, TensorInfo)
  }

  /// Names may have thousands of components; deeper ones are not cut.
  private static let maximumDepth = 32

  let separator: UInt8
  private var groups = [Group(label: [])]
  /// The groups of the name before, which most often are those of the next.
  private var path: [Int] = [0]

  init(separator: UInt8) { self.separator = separator }

  mutating func add(_ info: TensorInfo, _ position: Int) {
    let name = Array(info.name.utf8)
    var start = 0
    var depth = 0
    groups[0].total.add(info)
    while depth < TreeBuilder.maximumDepth, let end = name[start...].firstIndex(of: separator) {
      let label = name[start..<end]
      let group: Int
      if depth + 1 < path.count, groups[path[depth + 1]].label[...] == label {
        group = path[depth + 1]
      } else {
        path.removeSubrange((depth + 1)...)
        group = child(Array(label), of: path[depth])
        path.append(group)
      }
      groups[group].total.add(info)
      depth += 1
      start = end + 1
    }
    path.removeSubrange((depth + 1)...)
    let label = String(decoding: name[start...], as: UTF8.self)
    groups[path[depth]].children.append(.tensor(position, label: label, info))
  }

  private mutating func child(_ label: [UInt8], of parent: Int) -> Int {
    if let known = groups[parent].groups[label] { return known }
    groups.append(Group(label: label))
    groups[parent].groups[label] = groups.count - 1
    groups[parent].children.append(.group(groups.count - 1))
    return groups.count - 1
  }

  func nodes() -> [CheckpointOverview.Node] {
    var nodes: [CheckpointOverview.Node] = []
    append(0, depth: 0, to: &nodes)
    return nodes
  }

  private func append(_ group: Int, depth: Int, to nodes: inout [CheckpointOverview.Node]) {
    for child in groups[group].children {
      switch child {
      case .tensor(let position, let label, let info):
        var total = CheckpointOverview.Total()
        total.add(info)
        nodes.append(
          CheckpointOverview.Node(
            label: label, depth: depth, tensor: position, total: total))
      case .group(var inner):
        var label = String(decoding: groups[inner].label, as: UTF8.self)
        let mark = separator == UInt8(ascii: "/") ? "/" : "."
        while groups[inner].children.count == 1, case .group(let only) = groups[inner].children[0] {
          label += mark + String(decoding: groups[only].label, as: UTF8.self)
          inner = only
        }
        if groups[inner].children.count == 1,
          case .tensor(let position, let last, _) = groups[inner].children[0]
        {
          nodes.append(
            CheckpointOverview.Node(
              label: label + mark + last, depth: depth, tensor: position,
              total: groups[inner].total))
          continue
        }
        nodes.append(
          CheckpointOverview.Node(
            label: label + mark, depth: depth, tensor: nil, total: groups[inner].total))
        append(inner, depth: depth + 1, to: &nodes)
      }
    }
  }
}

extension Int {
  /// The sum, or the largest number.
  fileprivate func addingSaturated(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? Int.max : sum
  }
}
