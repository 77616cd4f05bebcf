import CSystemShims

/// Signals that ask the process to end, noted so that work can stop cleanly.
public enum Signals {
  /// Starts to note them; a second one ends the process at once.
  public static func watch() { imwa_watch_signals() }

  /// The signal that was received; nil when none was.
  public static var noted: Int32? {
    let signal = imwa_noted_signal()
    return signal == 0 ? nil : signal
  }
}

/// Limits of the process.
public enum ProcessLimits {
  /// The number of processors that this process may use, which a batch system may have limited.
  public static let processorCount = max(1, Int(imwa_processor_count()))

  /// Allows as many open files as the system does: a model may have hundreds of shards.
  public static func raiseOpenFiles() { imwa_raise_open_file_limit() }
}
