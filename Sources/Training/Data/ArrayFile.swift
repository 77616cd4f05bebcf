import Checkpoints
import TensorCore

/// Samples in a file of named arrays: safetensors, HDF5, NPZ, whatever checkpoints can be read from.
///
/// `x_train`, `y_train`, `x_test` and `y_test`, as Keras' data sets have them; or `x` and `y`, of which some
/// are held out. Integers of `x` are divided by 255 when they are bytes.
struct ArrayFile {
  private let weights: WeightMap
  private let label: String

  /// - Throws: what reading checkpoints throws.
  init(_ path: String) throws {
    weights = try WeightMap(contentsOf: path)
    label = path
  }

  /// Whether the file has a test set of its own.
  var hasTestSet: Bool { weights["x_test"] != nil }

  /// The samples of `x` or `x_train`, and those of `x_test`.
  ///
  /// - Throws: `TrainingError` for arrays that are missing or do not fit, and what reading throws.
  func parts() throws -> (training: DataSet, test: DataSet?) {
    let suffix = hasTestSet ? "_train" : ""
    let trainingLabels = try labels("y" + suffix)
    let testLabels = hasTestSet ? try labels("y_test") : []
    let classCount = Int((trainingLabels + testLabels).max() ?? 0) + 1
    let training = try dataSet("x" + suffix, trainingLabels, classCount)
    let test = hasTestSet ? try dataSet("x_test", testLabels, classCount) : nil
    guard test.map({ $0.featureCount == training.featureCount }) ?? true else {
      throw TrainingError.badInput("\(label): x_train and x_test have samples of different sizes")
    }
    return (training, test)
  }

  private func tensor(_ name: String) throws -> Tensor {
    guard let tensor = weights[name] else {
      throw TrainingError.badInput(
        "\(label): there is no array '\(name)'",
        hint: "x_train, y_train, x_test and y_test are needed, or x and y")
    }
    return tensor
  }

  private func labels(_ name: String) throws -> [Int32] {
    let tensor = try tensor(name)
    let shape = tensor.info.shape
    // Keras' CIFAR has labels in a column.
    guard shape.rank == 1 || shape.rank == 2 && shape[1] == 1 else {
      throw TrainingError.badInput(
        "\(label): array '\(name)': expected a row of labels, found \(shape)")
    }
    return try numbers(tensor).map { value in
      guard let number = Int32(exactly: value), (0..<100_000).contains(number) else {
        throw TrainingError.badInput("\(label): array '\(name)': \(value) is no label")
      }
      return number
    }
  }

  private func dataSet(_ name: String, _ labels: [Int32], _ classCount: Int) throws -> DataSet {
    let tensor = try tensor(name)
    let shape = tensor.info.shape
    guard shape.rank > 1, shape[0] == labels.count, shape.elementCount > 0 else {
      throw TrainingError.badInput(
        "\(label): array '\(name)' of shape \(shape) does not fit \(labels.count) labels")
    }
    let scale: Float = tensor.info.dtype == .uint8 ? 255 : 1
    let features = try numbers(tensor).map { Float($0) / scale }
    guard features.allSatisfy(\.isFinite) else {
      throw TrainingError.badInput("\(label): array '\(name)' has values that are not finite")
    }
    return try DataSet(
      features: features, labels: labels, featureCount: shape.elementCount / shape[0],
      classCount: classCount)
  }

  /// The values of floating point numbers and integers.
  private func numbers(_ tensor: Tensor) throws -> [Double] {
    if tensor.info.dtype.kind == .floating { return try tensor.values() }
    guard tensor.info.dtype.kind == .integer else {
      throw TrainingError.badInput(
        "\(label): array '\(tensor.info.name)' of \(tensor.info.dtype.rawValue) has no numbers")
    }
    let width = tensor.info.dtype.elementUnit
    let isSigned = [.int8, .int16, .int32, .int64].contains(tensor.info.dtype)
    let bytes = try tensor.bytes()
    return stride(from: 0, to: bytes.count, by: width).map { start in
      let pattern = (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
      let shift = UInt64(64 - 8 * width)
      return isSigned
        ? Double(Int64(bitPattern: pattern << shift) >> Int64(shift)) : Double(pattern)
    }
  }
}
