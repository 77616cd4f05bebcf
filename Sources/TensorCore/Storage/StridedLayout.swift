/// Where the elements of an array lie when they do not follow each other in C order.
public struct StridedLayout: Sendable, Hashable {
  /// An axis of more than one element.
  struct Axis: Sendable, Hashable {
    let extent: Int
    /// From one element of the axis to the next, counted in elements; 0 when one stands for all.
    let stride: Int
  }

  /// The number of elements.
  public let elementCount: Int
  /// The number of elements from the first one to the last one that is used; 0 when there are none.
  public let span: Int

  /// The axes, outermost first; those that go on where an inner one ends are one with it.
  let axes: [Axis]

  /// Describes an array.
  ///
  /// - Parameter strides: one for each axis, counted in elements.
  /// - Returns: nil when a stride is negative or missing, or the array is too large for any file.
  public init?(_ shape: Shape, strides: [Int]) {
    guard strides.count == shape.rank else { return nil }
    elementCount = shape.elementCount
    var axes: [Axis] = []
    var last = 0
    for axis in 0..<shape.rank where shape[axis] != 1 {
      guard strides[axis] >= 0 else { return nil }
      if elementCount == 0 { continue }
      let (reach, isTooFar) = (shape[axis] - 1).multipliedReportingOverflow(by: strides[axis])
      let (sum, isTooLarge) = last.addingReportingOverflow(reach)
      guard !isTooFar, !isTooLarge, sum < Int.max else { return nil }
      last = sum
      let added = Axis(extent: shape[axis], stride: strides[axis])
      if let outer = axes.last,
        added.extent.multipliedReportingOverflow(by: added.stride).overflow == false,
        outer.stride == added.extent * added.stride
      {
        axes[axes.count - 1] = Axis(extent: outer.extent * added.extent, stride: added.stride)
      } else {
        axes.append(added)
      }
    }
    self.axes = axes
    span = elementCount == 0 ? 0 : last + 1
  }

  /// Whether the elements follow each other without gaps in C order.
  public var isContiguous: Bool { axes.isEmpty || axes.count == 1 && axes[0].stride == 1 }

  /// The strides of an array in C order.
  public static func contiguousStrides(of dimensions: [Int]) -> [Int] {
    var strides: [Int] = []
    var step = 1
    for extent in dimensions.reversed() {
      strides.append(step)
      step *= max(extent, 1)
    }
    return strides.reversed()
  }
}
