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
  }

  /// A tensor of the result.
  public struct Entry: Sendable {
    /// Name, dtype and shape in the result.
    public let info: TensorInfo
    /// The inputs that have it, counted from 0.
    public let inputs: [Int]
    /// What becomes of it.
    public let treatment: Treatment
    fileprivate let tensors: [Tensor]
  }

  /// The tensors of the result in the order of the first input; then those that only others have.
  public let entries: [Entry]
  /// Tensors that were left out because an input lacks them.
  public private(set) var leftOut: [String] = []
  /// Optimizer state that was dropped or copied.
  public private(set) var optimizerTensors: [String] = []

  /// The metadata of the result: that of the first input.
  public let metadata: [ExactString: String]

  /// Aligns inputs.
  ///
  /// - Parameter labels: what to call the inputs in messages.
  /// - Throws: `AlignmentError` with all mismatches, `SelectionError` for a pattern that matches nothing.
  public init(_ inputs: [WeightMap], labels: [String], policy: AlignmentPolicy) throws {
    precondition(!inputs.isEmpty && inputs.count == labels.count)
    metadata = inputs[0].metadata
    let selection = try Selection(policy, inputs)
    var builder = PlanBuilder(inputs, policy)
    for tensor in inputs[0].tensors where selection.includes(tensor.info.name) {
      try builder.add(tensor, firstInput: 0)
    }
    for (number, input) in inputs.enumerated().dropFirst()
    where builder.matchedCounts[number] < input.count {
      for tensor in input.tensors where selection.includes(tensor.info.name) {
        if inputs[..<number].contains(where: { $0.position(of: tensor.info.name) != nil }) {
          continue
        }
        try builder.add(tensor, firstInput: number)
      }
    }
    guard builder.mismatches.isEmpty else {
      throw AlignmentError(mismatches: builder.mismatches, labels: labels)
    }
    guard !builder.entries.isEmpty || inputs[0].count == 0 else { throw SelectionError.nothingLeft }
    entries = builder.entries
    leftOut = builder.leftOut
    optimizerTensors = builder.optimizerTensors
  }

  /// The tensors that are combined from some inputs only.
  public func partial(of inputCount: Int) -> [Entry] {
    entries.filter { $0.treatment == .combine && $0.inputs.count < inputCount }
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
    for entry in entries {
      let operation: BlockOperation
      switch entry.treatment {
      case .fixed(let fixed): operation = fixed
      case .combine:
        if let last, last.inputs == entry.inputs {
          operation = last.operation
        } else {
          operation = .linear(try recurrence(entry.inputs))
          last = (entry.inputs, operation)
        }
      }
      tensors.append(Tensor(entry.info, storage: .computed(operation, entry.tensors)))
    }
    return WeightMap(distinct: tensors, metadata: metadata)
  }

  /// Makes entries and collects mismatches.
  private struct PlanBuilder {
    let inputs: [WeightMap]
    let policy: AlignmentPolicy
    let packed: [PackedTensors]
    let allInputs: [Int]
    var entries: [Entry] = []
    /// Where the next tensor of each input is expected: behind the last one that was met.
    var expected: [Int]
    /// How many tensors of each input have been met.
    var matchedCounts: [Int]
    var mismatches: [Mismatch] = []
    var leftOut: [String] = []
    var optimizerTensors: [String] = []

    init(_ inputs: [WeightMap], _ policy: AlignmentPolicy) {
      self.inputs = inputs
      self.policy = policy
      packed = inputs.map { PackedTensors($0) }
      allInputs = Array(inputs.indices)
      matchedCounts = inputs.map { _ in 0 }
      expected = matchedCounts
      entries.reserveCapacity(inputs[0].count)
    }

    mutating func add(_ first: Tensor, firstInput: Int) throws {
      let name = first.info.name
      var tensors: [Tensor] = []
      tensors.reserveCapacity(inputs.count)
      tensors.append(first)
      var missing = Array(0..<firstInput)
      for number in firstInput + 1..<inputs.count {
        if let position = inputs[number].position(of: name, expected: expected[number]) {
          matchedCounts[number] += 1
          expected[number] = position + 1
          tensors.append(inputs[number].tensors[position])
        } else {
          missing.append(number)
        }
      }
      let present = missing.isEmpty ? allInputs : allInputs.filter { !missing.contains($0) }
      if !missing.isEmpty {
        if policy.missing == .error { noteMissing(name, missing, firstInput) }
        if policy.missing == .intersect { leftOut.append(name) }
        guard policy.missing == .union else { return }
      }
      let isOptimizer = OptimizerState.contains(name) && policy.optimizer != .average
      if isOptimizer {
        optimizerTensors.append(name)
        if policy.optimizer == .drop { return }
      }
      noteDifferences(tensors, present)
      if isOptimizer {
        entries.append(
          Entry(
            info: first.info, inputs: present, treatment: .fixed(.copy), tensors: [first]))
      } else {
        try append(first.info, present, tensors)
      }
    }

    private mutating func append(_ info: TensorInfo, _ inputs: [Int], _ tensors: [Tensor]) throws {
      let treatment: Treatment
      if inputs.contains(where: { packed[$0].contains(info) }) {
        treatment = .fixed(tensors.count == 1 ? .copy : .copyAgreeing(.refuse))
      } else if info.dtype.isAveraged {
        treatment = .combine
      } else {
        treatment = .fixed(tensors.count == 1 ? .copy : integerOperation(info.dtype))
      }
      var info = info
      if treatment == .combine, let dtype = policy.outputDType, info.dtype.kind == .floating {
        info = try TensorInfo(name: info.name, dtype: dtype, shape: info.shape)
      }
      entries.append(Entry(info: info, inputs: inputs, treatment: treatment, tensors: tensors))
    }

    private func integerOperation(_ dtype: DType) -> BlockOperation {
      switch policy.integers {
      case .first: .copyAgreeing(.takeFirst)
      case .max: .maximum
      case .error: .copyAgreeing(.refuse)
      }
    }

    private mutating func noteMissing(_ name: String, _ missing: [Int], _ firstInput: Int) {
      if firstInput == 0 {
        mismatches += missing.map { .missing(tensor: name, from: $0) }
      } else {
        mismatches.append(.extra(tensor: name, in: firstInput))
      }
    }

    private mutating func noteDifferences(_ tensors: [Tensor], _ present: [Int]) {
      let expected = tensors[0].info
      for position in 1..<tensors.count {
        let (found, input) = (tensors[position].info, present[position])
        if found.shape != expected.shape {
          mismatches.append(
            .shape(
              tensor: expected.name, expected: expected.shape, found: found.shape, in: input))
        }
        // A dtype that is asked for says what becomes of different ones.
        let isConverted =
          policy.outputDType != nil && found.dtype.kind == .floating
          && expected.dtype.kind == .floating
        if found.dtype != expected.dtype && !isConverted {
          mismatches.append(
            .dtype(
              tensor: expected.name, expected: expected.dtype, found: found.dtype, in: input))
        }
      }
    }
  }
}

/// The tensors that a policy's patterns choose.
private struct Selection {
  private let policy: AlignmentPolicy

  init(_ policy: AlignmentPolicy, _ inputs: [WeightMap]) throws {
    self.policy = policy
    let options =
      policy.include.map { ($0, "--include") } + policy.exclude.map { ($0, "--exclude") }
    for (pattern, option) in options {
      let isMatched = inputs.contains { $0.tensors.contains { pattern.matches($0.info.name) } }
      if !isMatched { throw SelectionError.unmatched(pattern, option: option) }
    }
  }

  func includes(_ name: String) -> Bool {
    (policy.include.isEmpty || policy.include.contains { $0.matches(name) })
      && !policy.exclude.contains { $0.matches(name) }
  }
}
