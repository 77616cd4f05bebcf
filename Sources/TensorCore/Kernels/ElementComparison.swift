import CTensorKernels

/// When two values count as the same.
public struct ElementTolerance: Sendable, Hashable {
  /// |a − b| may be so large; nil for no such limit.
  public var absolute: Double?
  /// |a − b| divided by the larger magnitude may be so large; nil for no such limit.
  public var relative: Double?
  /// So many steps may lie between two floats of one dtype; nil for no such limit.
  public var steps: Int?

  /// Values are the same only when their bits are.
  public init() {}

  /// Whether numbers are compared rather than bits.
  public var isNumeric: Bool { absolute != nil || relative != nil || steps != nil }
}

/// Where the values of two tensors differ.
public struct ElementDifferences: Sendable {
  /// How many elements differ.
  public private(set) var count = 0
  /// The first that differs, in C order.
  public private(set) var firstPlace: Int?
  /// How many numbers are NaN in one tensor only.
  public private(set) var loneNaNCount = 0
  /// The largest |a − b| among those that differ and are numbers, and the first place that has it.
  public private(set) var largest: (difference: Double, place: Int)?
  /// The largest |a − b| divided by the larger magnitude.
  public private(set) var largestRelative = 0.0
  /// The most steps between two floats of one dtype.
  public private(set) var largestSteps = UInt64(0)

  /// No differences.
  public init() {}

  /// Compares elements in a buffer.
  ///
  /// Values of different dtypes are compared as numbers. Codes of quantisations are compared bit by bit.
  ///
  /// - Parameters:
  ///   - operands: two inputs.
  ///   - firstElement: where the first element stands in its tensor.
  public init(
    _ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer,
    tolerance: ElementTolerance
  ) {
    precondition(operands.inputDTypes.count == 2)
    let (left, right) = (operands.inputDTypes[0], operands.inputDTypes[1])
    let count = operands.elementCount
    let (first, second) = (operands.inputOffsets[0], operands.inputOffsets[1])
    buffer.check(first..<first + count * left.elementUnit)
    buffer.check(second..<second + count * right.elementUnit)
    if left == right,
      buffer.firstDifference(at: first, and: second, count: count * left.elementUnit) == nil
    {
      return
    }
    let (leftCode, rightCode, parts) = ElementDifferences.types(left, right)
    var comparison = imwa_comparison(
      left_type: leftCode, right_type: rightCode,
      is_numeric: tolerance.isNumeric && left.kind != .packed, absolute: tolerance.absolute ?? 0,
      relative: tolerance.relative ?? 0, steps: UInt64(max(tolerance.steps ?? 0, 0)))
    var found = imwa_differences(
      count: 0, first_place: -1, lone_nans: 0, largest: 0, largest_place: -1, largest_relative: 0,
      largest_steps: 0)
    unsafe imwa_compare(
      &comparison, buffer.base + first, buffer.base + second, count, parts, firstElement, &found)
    self.count = Int(found.count)
    firstPlace = found.first_place < 0 ? nil : Int(found.first_place)
    loneNaNCount = Int(found.lone_nans)
    // The distance of two codes means nothing.
    if left.kind == .packed { return }
    largest = found.largest_place < 0 ? nil : (found.largest, Int(found.largest_place))
    largestRelative = found.largest_relative
    largestSteps = found.largest_steps
  }

  /// Whether the values of two dtypes can be compared.
  public static func canCompare(_ left: DType, _ right: DType) -> Bool {
    if left == right { return true }
    return left.reductionCode != nil && right.reductionCode != nil
      && (left.kind == .complex) == (right.kind == .complex)
  }

  private static func types(_ left: DType, _ right: DType) -> (UInt8, UInt8, parts: Int) {
    precondition(canCompare(left, right))
    guard let leftCode = left.reductionCode, let rightCode = right.reductionCode else {
      let code = UInt8(IMWA_FIRST_INTEGER_TYPE) + UInt8(IMWA_UNSIGNED8.rawValue)
      return (code, code, 1)
    }
    return (leftCode, rightCode, left.kind == .complex ? 2 : 1)
  }

  /// Adds the differences of elements that follow.
  public mutating func add(_ other: ElementDifferences) {
    if firstPlace == nil { firstPlace = other.firstPlace }
    count += other.count
    loneNaNCount += other.loneNaNCount
    if let otherLargest = other.largest, otherLargest.difference > largest?.difference ?? -1 {
      largest = otherLargest
    }
    largestRelative = max(largestRelative, other.largestRelative)
    largestSteps = max(largestSteps, other.largestSteps)
  }
}
