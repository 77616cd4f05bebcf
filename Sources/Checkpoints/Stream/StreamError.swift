public import TensorCore

/// Values that cannot be combined, found while streaming.
public struct StreamError: DiagnosedError {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  static func nonFinite(_ value: String, in source: String, _ tensor: TensorInfo, at index: Int)
    -> StreamError
  {
    StreamError(
      kind: .badInput,
      description: "\(source): tensor '\(tensor.name)': \(value) at \(tensor.place(of: index))",
      hint:
        "the checkpoint may come from a training run that diverged; --allow-nan takes it as it is"
    )
  }

  static func overflow(_ tensor: TensorInfo, at index: Int) -> StreamError {
    StreamError(
      kind: .badInput,
      description:
        "tensor '\(tensor.name)': the result at \(tensor.place(of: index)) is too large for "
        + tensor.dtype.rawValue,
      hint: overflowHint(tensor.dtype))
  }

  static func negativeVariance(_ tensor: TensorInfo) -> StreamError {
    StreamError(
      kind: .badInput, description: "tensor '\(tensor.name)': the pooled variance is negative",
      hint:
        "negative weights can make it so, and variances that are negative themselves; "
        + "--batch-norm first takes the statistics of the first input")
  }

  private static func overflowHint(_ dtype: DType) -> String {
    switch dtype {
    case .float64, .complex128: "--weights divides before it adds: give every input the same weight"
    case .complex64: "--allow-nan writes infinity"
    case .float32: "choose a wider dtype (--out-dtype F64), or --allow-nan to write infinity"
    case .float8E4M3: "choose a wider dtype (--out-dtype BF16), or --allow-nan to write NaN"
    default: "choose a wider dtype (--out-dtype F32), or --allow-nan to write infinity"
    }
  }

  static func disagreement(
    _ tensor: TensorInfo, sources: [String], _ disagreement: BlockOperation.Disagreement
  ) -> StreamError {
    let what =
      "\(sources.joined(separator: ", ")): tensor '\(tensor.name)' of "
      + "\(tensor.dtype.rawValue) differs between the inputs"
    let policies =
      "--integers first takes the values of the first input, --integers max the largest"
    let description: String
    let hint: String
    switch disagreement {
    case .takeFirst, .refuse:
      description = what + ", and such values are not averaged"
      hint = policies
    case .refuseCodes:
      description =
        what + ", and it is part of a quantised layer: codes and their scales are not averaged"
      hint =
        "quantised weights must be converted to floating point before they are averaged; "
        + "--integers first takes the quantised layers of the first input"
    case .refuseUnexplained:
      description =
        what
        + ": \(tensor.shape.elementCount) values are too many for counters, they may be codes of "
        + "quantised weights"
      hint = policies + "; quantised weights must be converted to floating point first"
    }
    return StreamError(kind: .badInput, description: description, hint: hint)
  }

  static func interrupted(_ signal: Int32) -> StreamError {
    StreamError(
      kind: .interrupted(signal: signal), description: "interrupted; nothing was left behind",
      hint: nil)
  }

  /// What ends the threads that wait for a block that failed; the error of that block is the one that is told.
  static let stopped = StreamError(
    kind: .inputOutput, description: "another block has failed", hint: nil)

  static func verification(_ path: String, _ tensor: TensorInfo?, at offset: Int) -> StreamError {
    StreamError(
      kind: .inputOutput,
      description: "\(path): verification failed: byte \(offset)"
        + (tensor.map { " (tensor '\($0.name)')" } ?? "") + " is not what was computed",
      hint: "the memory or the disk of this machine may be faulty; nothing was left behind")
  }
}

extension TensorInfo {
  /// An element by its indexes: `[3, 17]`; a scalar has none.
  fileprivate func place(of element: Int) -> String {
    let indexes = indexes(of: element)
    return indexes.isEmpty ? "its only element" : indexes.description
  }
}
