import HDF5Format
import TensorCore

/// Declares what the tensors of Keras's files are to their models, as far as the files tell it.
///
/// Files of Keras 3 number variables (`KerasVariables`). Older ones keep the names of weights, and a configuration
/// beside them. (Keras 3, `saving_lib.py`, `legacy_h5_format.py`.)
struct KerasRoles {
  /// The names of the owners of variables by their paths.
  private let ownerNames: [ExactString: String]
  /// The weights of each layer in their order, where lists in attributes name them.
  private let weightLists: [(layer: String, paths: [String])]
  private let classes: KerasClasses

  /// Takes what files tell.
  init(_ layouts: [KerasLayout], classes: KerasClasses) {
    ownerNames = layouts.reduce(into: [:]) { $0.merge($1.ownerNames) { first, _ in first } }
    weightLists = layouts.flatMap(\.weightLists)
    self.classes = classes
  }

  /// The same tensors with the roles that are told.
  func declared(_ tensors: [Tensor]) -> [Tensor] {
    var roles = numberedRoles(tensors)
    let places = Dictionary(
      tensors.enumerated().map { (ExactString($1.info.name), $0) },
      uniquingKeysWith: { first, _ in first })
    for (place, tensor) in tensors.enumerated() where roles[place] == nil {
      roles[place] = KerasRoles.namedRole(tensor.info.name)
    }
    for list in weightLists {
      let listed = list.paths.compactMap { places[ExactString($0)] }
      for (place, role) in listedRoles(list.layer, listed, tensors, roles) { roles[place] = role }
    }
    return tensors.enumerated().map { place, tensor in
      roles[place].map { tensor.declared($0) } ?? tensor
    }
  }

  /// The roles of numbered variables, all of an owner together.
  private func numberedRoles(_ tensors: [Tensor]) -> [Int: TensorRole] {
    var owners: [ExactString: [(number: Int, place: Int)]] = [:]
    for (place, tensor) in tensors.enumerated() {
      guard let (owner, number) = tensor.info.name.numberedVariable else { continue }
      owners[ExactString(owner), default: []].append((number, place))
    }
    var roles: [Int: TensorRole] = [:]
    for (owner, members) in owners {
      let members = members.sorted { $0.number < $1.number }
      let fullName = ownerNames[owner] ?? ""
      let variables = KerasVariables(
        path: owner.text.lowercased().split(separator: "/"),
        name: fullName.lowercased().withoutNumber,
        isBatchNormalization: classes.batchNormalizations.contains(fullName),
        infos: members.map { tensors[$0.place].info })
      for (member, role) in zip(members, variables.roles()) { roles[member.place] = role }
    }
    return roles
  }

  /// The last names of the statistics, as Keras has called them since its first version, which kept the variance as
  /// `running_std`.
  private static let statistics: [String: NormalizationStatistic] = [
    "moving_mean": .mean, "moving_variance": .variance, "running_mean": .mean,
    "running_std": .variance, "running_var": .variance,
  ]

  /// What the name of a weight in an older file tells.
  private static func namedRole(_ name: String) -> TensorRole? {
    if name.hasPrefix("optimizer_weights/") { return .optimizerState }
    var last = Substring(name.split(separator: "/").last ?? "")
    if last.hasSuffix(":0") { last = last.dropLast(2) }
    if last.hasPrefix("seed_generator_state") { return .progress }
    for (ending, statistic) in statistics where last == ending || last.hasSuffix("_" + ending) {
      return .statistic(statistic)
    }
    return nil
  }

  /// What a layer's class tells of its weights where their names do not.
  private func listedRoles(
    _ layer: String, _ places: [Int], _ tensors: [Tensor], _ roles: [Int: TensorRole]
  ) -> [(Int, TensorRole)] {
    guard places.allSatisfy({ roles[$0] == nil }) else { return [] }
    let variables = KerasVariables(
      path: [], name: "", isBatchNormalization: classes.batchNormalizations.contains(layer),
      infos: places.map { tensors[$0].info })
    return zip(places, variables.statisticRoles ?? []).compactMap { place, role in
      role.map { (place, $0) }
    }
  }
}

extension String {
  /// The owner and the number of a variable: `layers/dense` and 0 of `layers/dense/vars/0`.
  fileprivate var numberedVariable: (owner: String, number: Int)? {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")),
      let number = Int(self[utf8.index(after: slash)...]), number >= 0
    else { return nil }
    let group = self[..<slash]
    if group == "vars" { return ("", number) }
    return group.hasSuffix("/vars") ? (String(group.dropLast("/vars".count)), number) : nil
  }

  /// `batch_normalization` of `batch_normalization_1`.
  fileprivate var withoutNumber: String {
    guard let mark = lastIndex(of: "_"), !self[index(after: mark)...].isEmpty,
      self[index(after: mark)...].allSatisfy(\.isNumber)
    else { return self }
    return String(self[..<mark])
  }
}
