public import TensorCore

/// Some values of a tensor, chosen by index as in NumPy: `fc1.weight[0, 2:5]`.
public struct TensorSlice: Sendable {
  /// The chosen indexes of one axis.
  private struct Axis {
    let start: Int
    let step: Int
    let count: Int
    /// A single index takes its axis away.
    let isIndex: Bool
  }

  /// More values than this are not for people, and others have libraries.
  private static let maximumCount = 1_000_000

  /// The tensor.
  public let tensor: Tensor
  /// The text that chose the values.
  public let text: String
  /// The extents of what is chosen, without those of single indexes.
  public let shape: [Int]

  private let axes: [Axis]

  /// Finds a tensor and reads the indexes behind its name.
  ///
  /// An index or a range `start:stop:step` stands for each axis from the first on; negative numbers count from the
  /// end. Axes that are not named are taken whole.
  ///
  /// - Throws: `InspectionError` when there is no such tensor, or there are no such values.
  public init(_ text: String, in weights: WeightMap) throws {
    self.text = text
    var parts: [Substring] = []
    if let tensor = weights[text] {
      self.tensor = tensor
    } else if text.hasSuffix("]"), let bracket = text.lastIndex(of: "["),
      let tensor = weights[String(text[..<bracket])]
    {
      self.tensor = tensor
      let list = text[text.index(after: bracket)...].dropLast()
      parts = list.isEmpty ? [] : list.split(separator: ",", omittingEmptySubsequences: false)
    } else {
      throw TensorSlice.noTensor(text, weights)
    }
    let info = tensor.info
    guard info.dtype.bitWidth >= 8 else {
      throw InspectionError(
        .usage,
        "tensor '\(info.name)' of \(info.dtype.rawValue): codes of less than a byte are not shown")
    }
    guard parts.count <= info.shape.rank else {
      throw InspectionError(
        .usage, "'\(text)': \(parts.count) indexes, but the shape is \(info.shape)")
    }
    axes = try info.shape.dimensions.enumerated().map { axis, extent in
      guard axis < parts.count else {
        return Axis(start: 0, step: 1, count: extent, isIndex: false)
      }
      return try TensorSlice.axis(String(parts[axis].filter { $0 != " " }), extent, text)
    }
    shape = axes.filter { !$0.isIndex }.map(\.count)
    let count = axes.reduce(1) { $0 * $1.count }
    guard count <= TensorSlice.maximumCount else {
      throw InspectionError(
        .usage, "'\(text)' has \(count) values, more than \(TensorSlice.maximumCount)",
        hint: "choose some of them: '\(info.name)[0, :10]'")
    }
  }

  private static func noTensor(_ text: String, _ weights: WeightMap) -> InspectionError {
    let stem = text.split(separator: "[").first.map(String.init) ?? text
    let alike = weights.tensors.lazy.map(\.info.name).filter { $0.contains(stem) }.prefix(3)
    return InspectionError(
      .usage, "there is no tensor '\(text)'",
      hint: alike.isEmpty
        ? "imwa-ckpt show FILE --flat lists the names"
        : "perhaps " + alike.map { "'\($0)'" }.joined(separator: ", "))
  }

  private static func axis(_ part: String, _ extent: Int, _ text: String) throws -> Axis {
    let malformed = InspectionError(
      .usage, "'\(text)': '\(part)' is no index and no range",
      hint: "indexes are as in NumPy: 3, -1, 2:5, ::2")
    let fields = part.split(separator: ":", omittingEmptySubsequences: false)
    if fields.count == 1 {
      guard let index = Int(part) else { throw malformed }
      guard index >= -extent && index < extent else {
        throw InspectionError(
          .usage, "'\(text)': index \(index) is outside of the axis, which has \(extent)")
      }
      return Axis(start: index < 0 ? index + extent : index, step: 1, count: 1, isIndex: true)
    }
    guard fields.count <= 3 else { throw malformed }
    let numbers = try fields.map { field -> Int? in
      if field.isEmpty { return nil }
      guard let number = Int(field) else { throw malformed }
      return number
    }
    let step = (numbers.count > 2 ? numbers[2] : nil) ?? 1
    guard step > 0 else { throw malformed }
    let bounds = [numbers[0] ?? 0, numbers[1] ?? extent].map { number in
      // What lies outside is cut, as in NumPy; the comparison comes first because numbers may be huge.
      number >= extent ? extent : number >= 0 ? number : number < -extent ? 0 : number + extent
    }
    let width = max(0, bounds[1] - bounds[0])
    return Axis(
      start: bounds[0], step: step, count: width / step + (width % step > 0 ? 1 : 0), isIndex: false
    )
  }

  /// The values, the last axis first to change.
  ///
  /// - Throws: what reading throws.
  public func values() throws -> [ElementValue] {
    var values: [ElementValue] = []
    let dimensions = tensor.info.shape.dimensions
    guard let last = axes.last else { return try read(0, count: 1) }
    let rows = axes.dropLast().reduce(1) { $0 * $1.count }
    for row in 0..<(last.count == 0 ? 0 : rows) {
      var rest = row
      var offset = 0
      var stride = dimensions[dimensions.count - 1]
      for axis in (0..<axes.count - 1).reversed() {
        offset += (axes[axis].start + rest % axes[axis].count * axes[axis].step) * stride
        rest /= axes[axis].count
        stride *= dimensions[axis]
      }
      if last.step == 1 {
        values += try read(offset + last.start, count: last.count)
      } else {
        for number in 0..<last.count {
          values += try read(offset + last.start + number * last.step, count: 1)
        }
      }
    }
    return values
  }

  private func read(_ first: Int, count: Int) throws -> [ElementValue] {
    let width = tensor.info.dtype.elementUnit
    let buffer = ByteBuffer(count: count * width)
    try tensor.read(bytes: first * width..<(first + count) * width, into: buffer, at: 0)
    return try ElementValue.values(buffer.bytes(in: 0..<count * width), dtype: tensor.info.dtype)
  }
}
