public import TensorCore

/// Inputs that fit together: what becomes of each tensor.
///
/// Making a plan reads no data. It finds all mismatches at once.
public struct MergePlan: Sendable {
  /// What becomes of a tensor.
  public enum Treatment: Sendable, Hashable {
    /// It is combined by the merge method.
    case combine
    /// It is computed by this operation, whatever the merge method.
    case fixed(BlockOperation)
    /// It is a variance, pooled with the weights of the merge method; the means follow the variances.
    case poolVariance
  }

  /// A tensor of the result.
  public struct Entry: Sendable {
    /// Name, dtype and shape in the result.
    public var info: TensorInfo { described.info }
    /// The inputs that have it, counted from 0.
    public let inputs: [Int]
    /// What becomes of it.
    public let treatment: Treatment
    /// What it is to its model.
    public let role: TensorRole
    /// A tensor of the description of the result: that of the first input, unless the dtype is another.
    fileprivate let described: Tensor
    /// The tensor of each of `inputs`.
    package let tensors: [Tensor]
  }

  /// A tensor that was matched by its position with one of another name.
  public struct Renaming: Sendable, Hashable {
    /// Which input has it, counted from 0.
    public let input: Int
    /// Its name there.
    public let name: String
    /// The name in the first input and the result.
    public let newName: String
  }

  /// The tensors of the result in the order of the first input; then those that only others have.
  public let entries: [Entry]
  /// Tensors that were left out because an input lacks them.
  public private(set) var leftOut: [String] = []
  /// Tensors of other names that were matched by position.
  public let renamings: [Renaming]
  /// Whole numbers of one input that others have as floats.
  public let wholeNumbers: [Entry]
  /// Tensors of the one input that cannot be read, where such tensors are the caller's matter.
  public let unreadable: [UnreadableTensor]
  /// Optimizer state that was dropped or copied.
  public private(set) var optimizerTensors: [String] = []
  /// What each choice of the policy found to act on.
  public let effects: PolicyEffects

  private let inputCount: Int

  /// The metadata of the result: that of the first input.
  public let metadata: [ExactString: String]

  /// Aligns inputs.
  ///
  /// - Parameter labels: what to call the inputs in messages.
  /// - Throws: `AlignmentError` with all mismatches, `SelectionError` for a pattern that matches nothing,
  ///   `UnreadableError` for tensors that are chosen and cannot be read.
  public init(_ inputs: [WeightMap], labels: [String], policy: AlignmentPolicy) throws {
    precondition(!inputs.isEmpty && inputs.count == labels.count)
    metadata = inputs[0].metadata
    inputCount = inputs.count
    var inputs = inputs
    renamings = try MergePlan.match(&inputs, policy, labels)
    let selection = try TensorSelection(policy, inputs)
    if policy.purpose != .choosing { try selection.checkReadable(inputs, labels: labels) }
    unreadable = selection.chosen(of: inputs[0].unreadable)
    var builder = PlanBuilder(inputs, policy)
    for (position, tensor) in inputs[0].tensors.enumerated()
    where selection.includes(tensor.info.name) {
      try builder.add(tensor, at: position, firstInput: 0)
    }
    for (number, input) in inputs.enumerated().dropFirst()
    where builder.matchedCounts[number] < input.count {
      for (position, tensor) in input.tensors.enumerated()
      where selection.includes(tensor.info.name) {
        if inputs[..<number].contains(where: { $0.position(of: tensor.info.name) != nil }) {
          continue
        }
        try builder.add(tensor, at: position, firstInput: number)
      }
    }
    guard builder.mismatches.isEmpty else {
      throw AlignmentError(
        mismatches: builder.mismatches, labels: labels, purpose: policy.purpose,
        tensorCounts: inputs.map(\.count),
        fitsByPosition: policy.match == .name
          && PositionMatching(inputs[0], optimizer: policy.optimizer).fits(inputs.dropFirst()))
    }
    guard !builder.entries.isEmpty || inputs[0].count == 0 || !unreadable.isEmpty else {
      throw SelectionError.nothingLeft
    }
    entries = builder.entries
    leftOut = builder.leftOut
    optimizerTensors = builder.optimizerTensors
    wholeNumbers = builder.wholeNumbers.map { builder.entries[$0] }
    effects = PolicyEffects(
      builder.entries, optimizerCount: optimizerTensors.count, leftOutCount: leftOut.count,
      partialCount: builder.partialCount, renamedCount: renamings.count)
  }

  /// Gives tensors the names of those that they are matched with.
  private static func match(
    _ inputs: inout [WeightMap], _ policy: AlignmentPolicy, _ labels: [String]
  ) throws -> [Renaming] {
    guard policy.match == .position else { return [] }
    var matching = PositionMatching(inputs[0], optimizer: policy.optimizer)
    for number in inputs.indices.dropFirst() {
      inputs[number] = try matching.matched(inputs[number], input: number, labels: labels)
    }
    return matching.renamings
  }

  /// The tensors that are combined from some inputs only.
  public func partial(of inputCount: Int) -> [Entry] {
    entries.filter { entry in
      if case .fixed = entry.treatment { return false }
      return entry.inputs.count < inputCount
    }
  }

  /// The result as lazy weights.
  ///
  /// - Parameter recurrence: how the inputs with these numbers are combined.
  /// - Throws: what `recurrence` throws.
  public func weights(
    combining recurrence: (_ inputs: [Int]) throws -> LinearRecurrence
  ) throws -> WeightMap {
    var last: (inputs: [Int], operation: BlockOperation)?
    var tensors: [Tensor] = []
    tensors.reserveCapacity(entries.count)
    for index in entries.indices {
      let operation: BlockOperation
      switch entries[index].treatment {
      case .fixed(let fixed): operation = fixed
      case .combine:
        if let last, last.inputs == entries[index].inputs {
          operation = last.operation
        } else {
          operation = .linear(try naming(entries[index], recurrence))
          last = (entries[index].inputs, operation)
        }
      case .poolVariance:
        let coefficients = try recurrence(entries[index].inputs).effectiveCoefficients
        operation = .pooledVariance(PooledVariance(coefficients: coefficients))
      }
      tensors.append(
        Tensor(
          entries[index].described.info, storage: .computed(operation, entries[index].tensors),
          declaredRole: entries[index].described.declaredRole))
    }
    return WeightMap(distinct: tensors, metadata: metadata)
  }

  /// What cannot be combined from some inputs only is told with the name of the tensor.
  private func naming(
    _ entry: Entry, _ recurrence: (_ inputs: [Int]) throws -> LinearRecurrence
  ) throws -> LinearRecurrence {
    do {
      return try recurrence(entry.inputs)
    } catch let error as any DiagnosedError where entry.inputs.count < inputCount {
      throw SelectionError(
        description:
          "tensor '\(entry.info.name)', which only some inputs have: \(error.description)",
        hint: error.hint)
    }
  }

  /// Makes entries and collects mismatches.
  private struct PlanBuilder {
    let inputs: [WeightMap]
    let policy: AlignmentPolicy
    /// What the tensors of each input are.
    let roles: [TensorRoles]
    let allInputs: [Int]
    var entries: [Entry] = []
    /// Where the next tensor of each input is expected: after the last one that was met.
    var expected: [Int]
    /// How many tensors of each input have been met.
    var matchedCounts: [Int]
    var mismatches: [Mismatch] = []
    var leftOut: [String] = []
    var optimizerTensors: [String] = []
    /// The places of entries of whole numbers that some inputs have as floats.
    var wholeNumbers: [Int] = []
    /// How many tensors are made of some inputs because others lack them.
    var partialCount = 0

    init(_ inputs: [WeightMap], _ policy: AlignmentPolicy) {
      self.inputs = inputs
      self.policy = policy
      roles = concurrentMap(inputs) { TensorRoles($0) }
      allInputs = Array(inputs.indices)
      matchedCounts = inputs.map { _ in 0 }
      expected = matchedCounts
      entries.reserveCapacity(inputs[0].count)
    }

    mutating func add(_ first: Tensor, at position: Int, firstInput: Int) throws {
      var role = roles[firstInput][position]
      if policy.optimizer != .average, role == .optimizerState {
        return addOptimizerState(first, firstInput)
      }
      var missing: [Int] = firstInput == 0 ? [] : Array(0..<firstInput)
      let tensors = [Tensor](capacity: inputs.count) { tensors in
        tensors.append(first)
        for number in firstInput + 1..<inputs.count {
          let place = inputs[number].position(ofNameOf: first, expected: expected[number])
          if let place {
            matchedCounts[number] += 1
            expected[number] = place + 1
            tensors.append(inputs[number].tensors[place])
            role = role.combined(with: roles[number][place])
          } else {
            missing.append(number)
          }
        }
      }
      var present = allInputs
      if !missing.isEmpty {
        // An average that not all inputs keep is left out: beside new weights, that of one model would be another one's.
        if role == .movingAverage, policy.missing == .error {
          leftOut.append(first.info.name)
          return
        }
        present = allInputs.filter { !missing.contains($0) }
        if policy.missing == .error { noteMissing(first.info.name, missing, firstInput) }
        if policy.missing == .intersect { leftOut.append(first.info.name) }
        guard policy.missing == .union else { return }
        partialCount += 1
      }
      try append(tensors, of: present, as: role)
    }

    /// Takes the state of the first input, or drops it, whatever the other inputs have.
    private mutating func addOptimizerState(_ tensor: Tensor, _ firstInput: Int) {
      guard firstInput == 0 else { return }
      optimizerTensors.append(tensor.info.name)
      if policy.optimizer == .drop { return }
      entries.append(
        Entry(
          inputs: [0], treatment: .fixed(.copy), role: .optimizerState, described: tensor,
          tensors: [tensor]))
    }

    /// A buffer of whole numbers that a tool has written as floats: those of the input that has whole numbers.
    ///
    /// Positions and counts of batches are the same whatever the weights are, and their floats may be rounded.
    private mutating func appendWhole(_ tensors: [Tensor], of inputs: [Int], as role: TensorRole)
      -> Bool
    {
      guard policy.purpose == .merging, role == .constant || role == .statistic(.batchCount),
        tensors.contains(where: { $0.info.dtype.isAveraged }),
        let place = tensors.firstIndex(where: { $0.info.dtype.isWhole }),
        tensors.allSatisfy({ $0.info.shape == tensors[place].info.shape })
      else { return false }
      wholeNumbers.append(entries.count)
      entries.append(
        Entry(
          inputs: [inputs[place]], treatment: .fixed(.copy), role: role, described: tensors[place],
          tensors: [tensors[place]]))
      return true
    }

    private mutating func append(_ tensors: [Tensor], of inputs: [Int], as role: TensorRole) throws
    {
      if appendWhole(tensors, of: inputs, as: role) { return }
      var described = tensors[0]
      let dtype = described.info.dtype
      let treatment = treatment(of: described, as: role, inputCount: tensors.count)
      let outputDType = policy.outputDType(for: dtype)
      if treatment == .combine, outputDType != dtype {
        let info = try TensorInfo(
          name: described.info.name, dtype: outputDType, shape: described.info.shape)
        described = Tensor(
          info, storage: described.storage, declaredRole: described.declaredRole)
      }
      noteDifferences(tensors, inputs, mayConvert: treatment == .combine)
      let entry = Entry(
        inputs: inputs, treatment: treatment, role: role, described: described, tensors: tensors)
      entries.append(treatment == .combine ? try withStatistics(entry) : entry)
    }

    /// What becomes of a tensor, by its role and its dtype.
    private func treatment(of tensor: Tensor, as role: TensorRole, inputCount: Int) -> Treatment {
      let dtype = tensor.info.dtype
      let isAlone = inputCount == 1
      switch role {
      case .code, .scale:
        // Codes and scales of one input belong together.
        let disagreement: BlockOperation.Disagreement =
          policy.integers == .first ? .takeFirst : .refuseCodes
        return .fixed(isAlone ? .copy : .copyAgreeing(disagreement))
      case .progress where dtype.isAveraged:
        return .fixed(isAlone ? .copy : .copyAgreeing(.takeFirst))
      case _ where dtype.isAveraged: return .combine
      default: return .fixed(isAlone ? .copy : integerOperation(tensor, role))
      }
    }

    private func integerOperation(_ tensor: Tensor, _ role: TensorRole) -> BlockOperation {
      switch policy.integers {
      case .first?: return .copyAgreeing(.takeFirst)
      case .max?: return .maximum
      case .error?: return .copyAgreeing(.refuse)
      case nil:
        let isCounter =
          role == .progress || role == .statistic(.batchCount) || role == .optimizerState
          || tensor.info.shape.elementCount <= TensorRoles.counterElementCount
        return .copyAgreeing(isCounter ? .takeFirst : .refuseUnexplained)
      }
    }

    /// The entry of a tensor of floating point, treated as a statistic when it is one.
    private func withStatistics(_ entry: Entry) throws -> Entry {
      guard policy.batchNorm != .average, case .statistic(let statistic) = entry.role else {
        return entry
      }
      let taken: (Treatment, [Tensor])
      switch (policy.batchNorm, statistic) {
      case (.first, _):
        // The dtype may be another one: a mean of one input is a copy that converts.
        taken = (.fixed(.linear(.uniform(inputCount: 1))), [entry.tensors[0]])
      case (.pooled, .variance):
        let means = entry.inputs.compactMap { input in
          inputs[input].position(of: entry.info.name).flatMap {
            roles[input].mean(ofVarianceAt: $0)
          }
        }
        guard means.count == entry.inputs.count else {
          throw SelectionError.noMean(ofVariance: entry.info.name)
        }
        taken = (.poolVariance, entry.tensors + means)
      default: return entry
      }
      return Entry(
        inputs: entry.inputs, treatment: taken.0, role: entry.role, described: entry.described,
        tensors: taken.1)
    }

    private mutating func noteMissing(_ name: String, _ missing: [Int], _ firstInput: Int) {
      if firstInput == 0 {
        mismatches += missing.map { .missing(tensor: name, from: $0) }
      } else {
        mismatches.append(.extra(tensor: name, in: firstInput))
      }
    }

    private mutating func noteDifferences(
      _ tensors: [Tensor], _ present: [Int], mayConvert: Bool
    ) {
      for position in 1..<tensors.count
      where !tensors[position].isAlike(tensors[0]) {
        let (first, found) = (tensors[0], tensors[position])
        if found.info.shape != first.info.shape {
          mismatches.append(
            .shape(
              tensor: first.info.name, expected: first.info.shape, as: present[0],
              found: found.info.shape, in: present[position]))
        }
        let (dtype, expected) = (found.info.dtype, first.info.dtype)
        if dtype == expected || (policy.purpose == .comparing && dtype.isComparable(to: expected)) {
          continue
        }
        // A dtype that is asked for says what becomes of different ones.
        let isConverted =
          mayConvert && policy.convertsDTypes && dtype.kind == .floating
          && expected.kind == .floating
        if !isConverted {
          mismatches.append(
            .dtype(
              tensor: first.info.name, expected: expected, as: present[0], found: dtype,
              in: present[position]))
        }
      }
    }
  }
}

extension TensorRole {
  /// The role of a tensor that another input has, too: one model may be quantised, or say more, than another.
  fileprivate func combined(with other: TensorRole) -> TensorRole {
    if self == other || other == .weight || other == .integer { return self }
    if self == .weight || self == .integer || other == .code || other == .scale { return other }
    return self
  }
}

extension DType {
  /// Whether numbers of both dtypes can be subtracted from each other.
  fileprivate func isComparable(to other: DType) -> Bool {
    (kind == other.kind && kind != .packed) || (isWhole && other.isWhole)
  }
}
