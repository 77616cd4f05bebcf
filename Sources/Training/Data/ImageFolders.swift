import SystemPackage

/// Folders of images in the binary formats of MNIST and CIFAR, as their authors distribute them.
///
/// Pixels are divided by 255.
enum ImageFolders {
  /// MNIST, Fashion-MNIST and others of ten classes, packed by gzip or not (LeCun et al. 1998).
  ///
  /// - Throws: `FileError` for files that are missing, `TrainingError` for damaged ones.
  static func mnist(_ folder: FilePath) throws -> DataSplit {
    func part(_ prefix: String) throws -> DataSet {
      let images = try DataFile.bytes(
        in: folder, named: ["\(prefix)-images-idx3-ubyte", "\(prefix)-images-idx3-ubyte.gz"])
      let labels = try DataFile.bytes(
        in: folder, named: ["\(prefix)-labels-idx1-ubyte", "\(prefix)-labels-idx1-ubyte.gz"])
      return try IDXFile.dataSet(
        images: IDXFile(images.bytes, label: images.label),
        labels: IDXFile(labels.bytes, label: labels.label), classCount: 10, largestPixel: 255,
        label: images.label)
    }
    return DataSplit(training: try part("train"), test: try part("t10k"))
  }

  /// CIFAR-10 in its binary version (Krizhevsky 2009).
  ///
  /// - Throws: `FileError` for files that are missing, `TrainingError` for damaged ones.
  static func cifar10(_ folder: FilePath) throws -> DataSplit {
    DataSplit(
      training: try cifar(
        folder, (1...5).map { "data_batch_\($0).bin" }, labelBytes: 1, classCount: 10),
      test: try cifar(folder, ["test_batch.bin"], labelBytes: 1, classCount: 10))
  }

  /// CIFAR-100 in its binary version, with its fine labels.
  ///
  /// - Throws: `FileError` for files that are missing, `TrainingError` for damaged ones.
  static func cifar100(_ folder: FilePath) throws -> DataSplit {
    DataSplit(
      training: try cifar(folder, ["train.bin"], labelBytes: 2, classCount: 100),
      test: try cifar(folder, ["test.bin"], labelBytes: 2, classCount: 100))
  }

  /// Records of labels, the last of which counts, and 3072 pixels.
  private static func cifar(
    _ folder: FilePath, _ names: [String], labelBytes: Int, classCount: Int
  ) throws -> DataSet {
    let pixelCount = 3072
    let recordSize = labelBytes + pixelCount
    var pixels: [UInt8] = []
    var labels: [Int32] = []
    for name in names {
      let (bytes, label) = try DataFile.bytes(in: folder, named: [name, name + ".gz"])
      guard bytes.count % recordSize == 0, !bytes.isEmpty else {
        throw TrainingError.badInput(
          "\(label): expected records of \(recordSize) bytes, found \(bytes.count) bytes in all",
          hint: "the binary version of the data set is needed, not that for Python")
      }
      pixels.reserveCapacity(names.count * bytes.count)
      for start in stride(from: 0, to: bytes.count, by: recordSize) {
        labels.append(Int32(bytes[start + labelBytes - 1]))
        pixels += bytes[start + labelBytes..<start + recordSize]
      }
    }
    return try DataSet(
      bytes: pixels[...], labels: labels, featureCount: pixelCount, classCount: classCount,
      largestByte: 255)
  }
}
