import CTensorKernels

/// Sums over pairs of elements of several inputs: what distances are made of.
///
/// Every value becomes float64, which is exact but for integers beyond 2⁵³; complex numbers count as two
/// real ones. Differences are taken before they are squared. Elements are added in 32 lanes, in groups of
/// 1024 whose sums keep their rounding errors; nothing is fused. So the bits are the same on every processor.
public struct PairReduction: Sendable {
  /// What is added up over the elements x and y of two operands.
  public enum Quantity: Sendable, Hashable {
    /// Σ (x − y)²
    case squaredDifferences
    /// Σ x·y
    case products
    /// Σ |x − y|
    case absoluteDifferences
    /// How many pairs have different signs; zero has a sign of its own.
    case signDifferences
    /// The largest |x − y|, not added; NaN is passed over.
    case largestDifference
  }

  /// An operand: an input, or what is made of inputs element by element.
  public enum Operand: Sendable, Hashable {
    /// An input, counted from 0.
    case input(Int)
    /// Zero everywhere.
    case zero
    /// The mean of some inputs: their sum in order times one by their number.
    case mean(Range<Int>)
    /// One input minus another.
    case difference(Int, Int)
  }

  /// A quantity of two operands.
  public struct Term: Sendable, Hashable {
    /// What is added up.
    public let quantity: Quantity
    /// The operands.
    public let left, right: Operand

    /// Asks for a quantity.
    public init(_ quantity: Quantity, _ left: Operand, _ right: Operand) {
      self.quantity = quantity
      self.left = left
      self.right = right
    }
  }

  /// What is asked for.
  public let terms: [Term]
  /// How many inputs there are.
  public let inputCount: Int

  private let madeOperands: [imwa_made_operand]
  private let kernelTerms: [imwa_reduction_term]

  /// Asks for terms of `inputCount` inputs.
  public init(_ terms: [Term], inputCount: Int) {
    self.terms = terms
    self.inputCount = inputCount
    var made: [(operand: Operand, kernel: imwa_made_operand)] = []
    func index(of operand: Operand) -> UInt32 {
      if case .input(let number) = operand {
        precondition((0..<inputCount).contains(number))
        return UInt32(number)
      }
      if let known = made.firstIndex(where: { $0.operand == operand }) {
        return UInt32(inputCount + known)
      }
      made.append((operand, operand.kernelOperand(inputCount)))
      return UInt32(inputCount + made.count - 1)
    }
    kernelTerms = terms.map { term in
      imwa_reduction_term(
        kind: UInt32(term.quantity.kernelKind.rawValue), left: index(of: term.left),
        right: index(of: term.right))
    }
    madeOperands = made.map(\.kernel)
  }

  /// How many bytes of a buffer the kernel needs for itself.
  public var scratchSize: Int {
    (inputCount + madeOperands.count) * Int(IMWA_REDUCTION_GROUP) * 8
  }

  /// Adds up elements of the inputs, which `operands` tells.
  ///
  /// - Parameters:
  ///   - firstElement: where the first one stands in its tensor.
  ///   - scratch: a buffer of at least `scratchSize` bytes.
  /// - Returns: the sum of each term.
  public func evaluate(
    _ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer, scratch: ByteBuffer,
    path: ProcessorPath = .best
  ) -> [ReductionSum] {
    precondition(operands.inputOffsets.count == inputCount && operands.elementCount >= 0)
    let parts = operands.inputDTypes.first?.kind == .complex ? 2 : 1
    let codes = operands.inputDTypes.map { dtype in
      guard let code = dtype.reductionCode, parts == (dtype.kind == .complex ? 2 : 1) else {
        preconditionFailure("\(dtype) cannot be reduced")
      }
      return code
    }
    for (offset, dtype) in zip(operands.inputOffsets, operands.inputDTypes) {
      buffer.check(offset..<offset + operands.elementCount * dtype.elementUnit)
    }
    scratch.check(0..<scratchSize)
    var sums = [imwa_reduction_result](
      repeating: imwa_reduction_result(value: 0, error: 0, place: -1), count: terms.count)
    unsafe madeOperands.withUnsafeBufferPointer { made in
      unsafe kernelTerms.withUnsafeBufferPointer { terms in
        unsafe codes.withUnsafeBufferPointer { codes in
          unsafe operands.inputOffsets.withUnsafeBufferPointer { offsets in
            var reduction = unsafe imwa_reduction(
              base: buffer.base,
              offsets: unsafe UnsafeRawPointer(offsets.baseAddress)?
                .assumingMemoryBound(to: Int.self), input_types: codes.baseAddress,
              input_count: inputCount, made_operands: made.baseAddress,
              made_operand_count: made.count, terms: terms.baseAddress, term_count: terms.count)
            unsafe imwa_reduce(
              path.kernelPath, &reduction, operands.elementCount * parts, firstElement * parts,
              scratch.base.assumingMemoryBound(to: Double.self), &sums)
          }
        }
      }
    }
    return zip(terms, sums).map { term, sum in
      ReductionSum(
        value: sum.value, error: sum.error,
        place: term.quantity == .largestDifference && sum.place >= 0 ? Int(sum.place) / parts : nil)
    }
  }
}

/// What a term of a reduction has come to.
public struct ReductionSum: Sendable, Hashable {
  /// The sum, rounded; for a largest difference, that.
  public private(set) var value: Double
  /// What rounding took away from the sum.
  private var error: Double
  /// For a largest difference, the first element that has it.
  public private(set) var place: Int?

  /// Nothing yet.
  public static let zero = ReductionSum(value: 0, error: 0, place: nil)

  init(value: Double, error: Double, place: Int?) {
    self.value = value
    self.error = error
    self.place = place
  }

  /// The sum with what rounding took away.
  public var total: Double { value.isFinite ? value + error : value }

  /// Adds the sum over elements that follow, with the rounding error kept (Knuth's two-sum).
  public mutating func add(_ other: ReductionSum) {
    let sum = value + other.value
    let rounded = sum - value
    error += (value - (sum - rounded)) + (other.value - rounded) + other.error
    value = sum
  }

  /// Takes the largest difference of elements that follow, when it is larger.
  ///
  /// - Returns: whether it was.
  @discardableResult
  public mutating func raise(to other: ReductionSum) -> Bool {
    guard place == nil || other.value > value, other.place != nil else { return false }
    self = other
    return true
  }
}

extension PairReduction.Quantity {
  fileprivate var kernelKind: imwa_reduction_kind {
    switch self {
    case .squaredDifferences: IMWA_SQUARED_DIFFERENCES
    case .products: IMWA_PRODUCTS
    case .absoluteDifferences: IMWA_ABSOLUTE_DIFFERENCES
    case .signDifferences: IMWA_SIGN_DIFFERENCES
    case .largestDifference: IMWA_LARGEST_DIFFERENCE
    }
  }
}

extension PairReduction.Operand {
  fileprivate func kernelOperand(_ inputCount: Int) -> imwa_made_operand {
    let inputs = 0..<inputCount
    switch self {
    case .input: preconditionFailure("inputs are not made")
    case .zero: return imwa_made_operand(kind: UInt32(IMWA_ZERO.rawValue), first: 0, second: 1)
    case .mean(let range):
      precondition(!range.isEmpty && range.clamped(to: inputs) == range)
      return imwa_made_operand(
        kind: UInt32(IMWA_MEAN.rawValue), first: UInt32(range.lowerBound),
        second: UInt32(range.upperBound))
    case .difference(let left, let right):
      precondition(inputs.contains(left) && inputs.contains(right))
      return imwa_made_operand(
        kind: UInt32(IMWA_DIFFERENCE.rawValue), first: UInt32(left), second: UInt32(right))
    }
  }
}
