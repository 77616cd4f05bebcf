/// An IDX file, the format of MNIST: an array of unsigned bytes with its extents in front.
struct IDXFile {
  let dimensions: [Int]
  /// The elements.
  let elements: ArraySlice<UInt8>

  /// - Throws: `TrainingError` for what is none.
  init(_ bytes: [UInt8], label: String) throws(TrainingError) {
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
      throw .badInput("\(label): this is no IDX file: it does not start with two zero bytes")
    }
    guard bytes[2] == 0x08 else {
      throw .badInput("\(label): expected unsigned bytes (type 8), found type \(bytes[2])")
    }
    let rank = Int(bytes[3])
    guard rank > 0, bytes.count >= 4 + 4 * rank else {
      throw .badInput("\(label): the file ends in its header of \(rank) extents")
    }
    var dimensions: [Int] = []
    var product = 1
    for axis in 0..<rank {
      let start = 4 + 4 * axis
      let extent = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let (partial, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw .badInput("\(label): the extents are too large") }
      product = partial
      dimensions.append(extent)
    }
    elements = bytes[(4 + 4 * rank)...]
    guard elements.count == product else {
      throw .badInput(
        "\(label): expected \(product) elements for \(dimensions), found \(elements.count)")
    }
    self.dimensions = dimensions
  }

  /// Puts images and labels together; pixels are divided by `largestPixel`.
  ///
  /// - Throws: `TrainingError` when they do not fit together.
  static func dataSet(
    images: IDXFile, labels: IDXFile, classCount: Int, largestPixel: Float, label: String
  ) throws(TrainingError) -> DataSet {
    guard images.dimensions.count > 1, labels.dimensions.count == 1,
      images.dimensions[0] == labels.dimensions[0]
    else {
      throw .badInput(
        "\(label): images of \(images.dimensions) and labels of \(labels.dimensions) do not fit "
          + "together")
    }
    return try DataSet(
      bytes: images.elements, labels: labels.elements.map { Int32($0) },
      featureCount: images.dimensions[1...].reduce(1, *), classCount: classCount,
      largestByte: largestPixel)
  }
}

extension DataSet {
  /// Samples whose features are bytes, which are divided by `largestByte`.
  ///
  /// - Throws: `TrainingError` when the numbers do not fit together.
  init(
    bytes: ArraySlice<UInt8>, labels: [Int32], featureCount: Int, classCount: Int,
    largestByte: Float
  ) throws(TrainingError) {
    guard bytes.count == labels.count * featureCount, featureCount > 0 else {
      throw .badInput("\(bytes.count) pixels do not make \(labels.count) images")
    }
    guard labels.allSatisfy({ $0 >= 0 && $0 < classCount }) else {
      throw .badInput("a label is not below the number of classes, \(classCount)")
    }
    let values = (0...255).map { Float($0) / largestByte }
    let stride = FloatBuffer.padded(featureCount)
    let buffer = FloatBuffer(count: max(labels.count, 1) * stride)
    for sample in labels.indices {
      let start = bytes.startIndex + sample * featureCount
      buffer.copy(
        from: bytes[start..<start + featureCount].map { values[Int($0)] }, to: sample * stride)
    }
    self.init(
      rows: TrainingLoops.Rows(buffer: buffer, count: labels.count, stride: stride), labels: labels,
      featureCount: featureCount, classCount: classCount)
  }
}
