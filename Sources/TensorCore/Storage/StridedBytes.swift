/// Elements of another source in C order that do not lie there in C order: a transposed array, a slice, one
/// element that stands for many.
///
/// Reads must start and end between elements. Only windows of the source are held.
public final class StridedBytes: ByteSource {
  /// What to call it in messages: the other source's name.
  public var label: String { source.label }

  private let source: any ByteSource
  private let offset: Int
  private let width: Int
  private let layout: StridedLayout
  /// How many elements one step along each axis skips in C order.
  private let steps: [Int]

  /// The most bytes that are read at once.
  private static let windowSize = 256 << 10
  /// So much is read at once even when little of it is used.
  private static let smallWindowSize = 8 << 10

  /// Reads elements of `width` bytes, the first of which is at `offset` of a source that has all of them.
  public init(_ source: any ByteSource, offset: Int, width: Int, layout: StridedLayout) {
    self.source = source
    self.offset = offset
    self.width = width
    self.layout = layout
    var steps: [Int] = []
    var step = 1
    for axis in layout.axes.reversed() {
      steps.append(step)
      step *= axis.extent
    }
    self.steps = steps.reversed()
  }

  /// Gathers elements.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    precondition(offset % width == 0 && count % width == 0, "elements are read whole")
    if count == 0 { return }
    var gathering = Gathering(reader: self, buffer: buffer)
    try gathering.read(
      offset / width..<(offset + count) / width, axis: 0, source: 0, target: position)
  }

  /// Checks the other source.
  public func checkUnchanged() throws { try source.checkUnchanged() }

  /// An axis of a part of the array: from element to element in the source and in the target.
  fileprivate struct BoxAxis {
    var extent: Int
    let stride: Int
    let step: Int
  }

  /// One read: cuts what is asked for into boxes that fit a window.
  private struct Gathering {
    let reader: StridedBytes
    let buffer: ByteBuffer
    var window: ByteBuffer?

    /// Reads elements, counted in C order from the start of the array of the axes from `axis` on.
    mutating func read(_ elements: Range<Int>, axis: Int, source: Int, target: Int) throws {
      guard axis < reader.layout.axes.count else {
        return try readBox([], source: source, target: target)
      }
      let step = reader.steps[axis]
      let stride = reader.layout.axes[axis].stride
      let first = elements.lowerBound / step
      let last = (elements.upperBound - 1) / step
      var begin = elements.lowerBound
      if begin % step != 0 || (first == last && elements.count < step) {
        // The part of a row that the range begins in.
        let end = min(elements.upperBound, (first + 1) * step)
        try read(
          begin - first * step..<end - first * step, axis: axis + 1,
          source: source + first * stride, target: target)
        begin = end
      }
      let whole = begin / step..<elements.upperBound / step
      if !whole.isEmpty {
        var axes = [BoxAxis(extent: whole.count, stride: stride, step: step)]
        for inner in reader.layout.axes.indices.dropFirst(axis + 1) {
          let extent = reader.layout.axes[inner].extent
          axes.append(
            BoxAxis(
              extent: extent, stride: reader.layout.axes[inner].stride, step: reader.steps[inner]))
        }
        try readBox(
          axes, source: source + whole.lowerBound * stride,
          target: target + (begin - elements.lowerBound) * reader.width)
        begin = whole.upperBound * step
      }
      guard begin < elements.upperBound else { return }
      try read(
        0..<elements.upperBound - begin, axis: axis + 1,
        source: source + begin / step * stride,
        target: target + (begin - elements.lowerBound) * reader.width)
    }

    /// Reads a box: at once when what it spans is small or mostly used, else in two halves.
    private mutating func readBox(_ axes: [BoxAxis], source: Int, target: Int) throws {
      let span = axes.reduce(1) { $0 + ($1.extent - 1) * $1.stride }
      let used = axes.reduce(1) { $0 * ($1.stride == 0 ? 1 : $1.extent) }
      let size = span.multipliedReportingOverflow(by: reader.width)
      let isDense = span / 8 <= used && size.partialValue <= StridedBytes.windowSize
      if !size.overflow, isDense || size.partialValue <= StridedBytes.smallWindowSize {
        return try gather(axes, byteCount: size.partialValue, source: source, target: target)
      }
      guard
        let widest = axes.indices.filter({ axes[$0].extent > 1 }).max(by: {
          axes[$0].stride < axes[$1].stride
        })
      else { return try gather(axes, byteCount: reader.width, source: source, target: target) }
      var first = axes
      var second = axes
      first[widest].extent /= 2
      second[widest].extent -= first[widest].extent
      let skipped = first[widest].extent
      try readBox(first, source: source, target: target)
      try readBox(
        second, source: source + skipped * axes[widest].stride,
        target: target + skipped * axes[widest].step * reader.width)
    }

    private mutating func gather(
      _ axes: [BoxAxis], byteCount: Int, source: Int, target: Int
    ) throws {
      let width = reader.width
      let place = reader.offset + source * width
      let axes = axes.filter { $0.extent > 1 }
      if axes.allSatisfy({ $0.stride == $0.step })
        && byteCount == axes.reduce(width, { $0 * $1.extent })
      {
        return try reader.source.read(at: place, count: byteCount, into: buffer, at: target)
      }
      let window = window ?? ByteBuffer(count: max(StridedBytes.windowSize, width))
      self.window = window
      try reader.source.read(at: place, count: byteCount, into: window, at: 0)
      copy(axes[...], from: window, at: 0, to: target)
    }

    private func copy(
      _ axes: ArraySlice<BoxAxis>, from window: ByteBuffer, at position: Int, to target: Int
    ) {
      let width = reader.width
      guard axes.count > 2, let outer = axes.first else {
        let rows = axes.count == 2 ? axes.first : nil
        let columns = axes.last
        buffer.copyElements(
          from: window, at: position, to: target, width: width,
          rows: (rows?.extent ?? 1, (rows?.stride ?? 0) * width, (rows?.step ?? 0) * width),
          columns: (
            columns?.extent ?? 1, (columns?.stride ?? 0) * width, (columns?.step ?? 0) * width
          ))
        return
      }
      for index in 0..<outer.extent {
        copy(
          axes.dropFirst(), from: window, at: position + index * outer.stride * width,
          to: target + index * outer.step * width)
      }
    }
  }
}

/// Numbers of another source with their signs changed: all, or those of imaginary parts.
///
/// Reads must start and end between elements.
public final class NegatedBytes: ByteSource {
  /// What to call it in messages: the other source's name.
  public var label: String { source.label }

  private let source: any ByteSource
  private let width: Int
  private let step: Int

  /// Changes the signs of little-endian floating-point numbers of `width` bytes.
  ///
  /// - Parameter onlyEverySecond: whether the first, the third… of the numbers stay: real parts.
  public init(_ source: any ByteSource, width: Int, onlyEverySecond: Bool) {
    self.source = source
    self.width = onlyEverySecond ? 2 * width : width
    step = self.width
  }

  /// Reads and changes signs.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    precondition(offset % step == 0 && count % step == 0, "elements are read whole")
    try source.read(at: offset, count: count, into: buffer, at: position)
    // The sign is the first bit of the last byte.
    buffer.toggleTopBits(in: position..<position + count, from: width - 1, step: step)
  }

  /// Checks the other source.
  public func checkUnchanged() throws { try source.checkUnchanged() }
}
