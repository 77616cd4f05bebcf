import CTensorKernels

/// What is told of the values of a tensor: how they lie, and how many are special.
///
/// Every value becomes float64, which is exact but for integers beyond 2⁵³; a complex number counts as two real
/// ones. The mean and the deviations of groups of 1024 values are merged in their order, so that the numbers are the
/// same whatever the number of threads.
public struct TensorStatistics: Sendable {
  private var kernel = imwa_statistics(
    finite: 0, zeros: 0, nans: 0, infinities: 0, minimum: .infinity, maximum: -.infinity, mean: 0,
    squares: 0)

  /// The statistics of no values.
  public init() {}

  /// The statistics of elements in a buffer.
  ///
  /// - Precondition: the dtype has numbers, not codes.
  public init(of buffer: ByteBuffer, at offset: Int, dtype: DType, elementCount: Int) {
    guard let code = dtype.reductionCode else { preconditionFailure("\(dtype) has no numbers") }
    let parts = dtype.kind == .complex ? 2 : 1
    buffer.check(offset..<offset + elementCount * dtype.elementUnit)
    unsafe imwa_collect_statistics(buffer.base + offset, code, elementCount * parts, &kernel)
  }

  /// Whether statistics can be told of a dtype; not of codes.
  public static func areTold(of dtype: DType) -> Bool { dtype.reductionCode != nil }

  /// Adds the statistics of values that follow.
  public mutating func add(_ other: TensorStatistics) {
    var other = other.kernel
    unsafe imwa_merge_statistics(&kernel, &other)
  }

  /// How many values there are.
  public var count: Int { finiteCount + nanCount + infinityCount }
  /// How many are finite.
  public var finiteCount: Int { Int(kernel.finite) }
  /// How many are zero.
  public var zeroCount: Int { Int(kernel.zeros) }
  /// How many are NaN.
  public var nanCount: Int { Int(kernel.nans) }
  /// How many are infinite.
  public var infinityCount: Int { Int(kernel.infinities) }
  /// The smallest value that is not NaN; nil when there is none.
  public var minimum: Double? { count > nanCount ? kernel.minimum : nil }
  /// The largest value that is not NaN; nil when there is none.
  public var maximum: Double? { count > nanCount ? kernel.maximum : nil }
  /// The mean of the finite values; nil when there is none.
  public var mean: Double? { finiteCount > 0 ? kernel.mean : nil }
  /// The standard deviation of the finite values as a whole population; nil when there is none.
  public var standardDeviation: Double? {
    finiteCount > 0 ? (kernel.squares / Double(finiteCount)).squareRoot() : nil
  }
}
