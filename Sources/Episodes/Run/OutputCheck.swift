import Checkpoints
import SystemPackage
import TensorCore

/// Looks at what a trainer made: it must be the start with other values.
struct OutputCheck {
  /// The weights that the trainer started from.
  let initial: CheckpointReader
  /// Whether all values may be those of the start.
  let requiresChange: Bool

  /// What is wrong with a file, in words; nil when nothing is.
  func problem(with path: FilePath, called role: String) -> String? {
    do {
      let result = try CheckpointReader(opening: path)
      // State of an optimizer may grow as it trains: a plan leaves it out of the comparison.
      var policy = AlignmentPolicy()
      policy.optimizer = .drop
      _ = try MergePlan(
        [initial.weights, result.weights], labels: ["init", role], policy: policy)
      return try problem(with: result.weights, role)
    } catch let error as any DiagnosedError {
      return "\(error)"
    } catch {
      return "\(path): \(error)"
    }
  }

  private func problem(with weights: WeightMap, _ role: String) throws -> String? {
    var isChanged = !requiresChange
    for tensor in weights.tensors {
      let before = initial.weights[tensor.info.name]
      let unit = tensor.info.dtype.elementUnit
      let blockSize = (1 << 20) / unit * unit
      for start in stride(from: 0, to: tensor.info.byteCount, by: blockSize) {
        let range = start..<min(start + blockSize, tensor.info.byteCount)
        let buffer = ByteBuffer(count: 2 * range.count)
        try tensor.read(bytes: range, into: buffer, at: 0)
        let place = Kernels.firstNonFinite(
          in: buffer, at: 0, dtype: tensor.info.dtype, elementCount: range.count / unit)
        if let place {
          let isNaN = Kernels.isNaN(in: buffer, at: place * unit, dtype: tensor.info.dtype)
          return
            "tensor '\(tensor.info.name)' of \(role) has \(isNaN ? "NaN" : "infinity") at element "
            + "\(start / unit + place): the training diverged"
        }
        if !isChanged, let before, before.info.dtype.isAveraged {
          try before.read(bytes: range, into: buffer, at: range.count)
          isChanged =
            buffer.firstDifference(at: 0, and: range.count, count: range.count) != nil
        }
      }
    }
    return isChanged
      ? nil
      : "the weights of \(role) are those it started from: nothing was trained ('require_change: false' in "
        + "the plan allows that)"
  }
}
