public import FileIO

/// How a stream runs.
public struct StreamOptions: Sendable {
  /// What NaN and infinity mean.
  public enum NonFinite: Sendable, Hashable {
    /// They are an error that names the file, the tensor and the element.
    case refuse
    /// Those of the inputs are values like others; a finite value that is too large for its dtype is an error.
    case refuseOverflow
    /// They are values like others.
    case allow
  }

  /// How many threads work; the result does not depend on it.
  public var threads: Int
  /// What NaN and infinity mean.
  public var nonFinite: NonFinite
  /// Whether the output is read again and compared before it takes its place.
  public var verifies = false
  /// Asked between blocks: the signal that should end the work, nil to go on.
  public var interruption: @Sendable () -> Int32?
  /// Told between blocks how many bytes of how many are done.
  public var progress: @Sendable (_ done: Int, _ total: Int) -> Void

  /// Runs on `threads` threads, without interruption.
  public init(
    threads: Int = CurrentProcess.processorCount, nonFinite: NonFinite = .refuse,
    interruption: @escaping @Sendable () -> Int32? = { nil },
    progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) {
    self.threads = threads
    self.nonFinite = nonFinite
    self.interruption = interruption
    self.progress = progress
  }
}

/// What a stream noticed that is no error.
public struct StreamReport: Sendable {
  /// The tensors whose inputs should be equal and are not; the first input was taken.
  public var disagreeing: [String] = []
}
