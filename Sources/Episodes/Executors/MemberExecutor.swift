/// What runs attempts: processes here, or jobs of a batch system.
///
/// Identity is by name. An executor does not wait, collect results or try again: files tell how an attempt
/// ended, and retries and deadlines lie above it.
public protocol MemberExecutor: Sendable {
  /// The name in plans.
  static var name: String { get }

  /// How long an exit record may take to be seen after an attempt has ended: file systems of clusters show it
  /// late.
  var exitDelay: Duration { get }

  /// Checks that attempts can run.
  ///
  /// - Throws: an error that says what is missing.
  func check() async throws

  /// Starts an attempt, whose folder and specification are there.
  func submit(_ attempt: AttemptSpec) async -> SubmitOutcome

  /// What is known of attempts, by name; one that is not known is absent.
  func observe(_ attempts: [SubmittedAttempt]) async -> Observation

  /// Asks attempts to end; they may take some time, and asking again does no harm. What is left of one that has
  /// ended is gone afterwards.
  func cancel(_ attempts: [SubmittedAttempt]) async

  /// Ends attempts at once that do not end although they were asked to.
  func kill(_ attempts: [SubmittedAttempt]) async

  /// Waits until something may have changed, or the time is over.
  func pause(for attempts: [SubmittedAttempt], milliseconds: Int) async
}

/// The name and folder of an attempt that may have been submitted, now or by an earlier runner.
public struct SubmittedAttempt: Sendable, Hashable {
  /// The name.
  public let name: String
  /// The folder.
  public let folder: AttemptFolder
}

/// What became of a submission.
public enum SubmitOutcome: Sendable, Hashable {
  case accepted
  /// It will never be accepted as it is.
  case refused(String)
  /// It is not known whether it was accepted.
  case unknown(String)
}

/// What an executor knows.
public enum Observation: Sendable, Hashable {
  /// What an attempt does.
  public enum State: Sendable, Hashable {
    case queued(String)
    /// It runs: where, when that is not this machine.
    case running(String?)
    case ended(String)
    /// What runs attempts cannot do its work, and will not for the next one.
    case failed(String)
    /// It will never run.
    case stuck(String)
  }

  /// The states by name.
  case states([String: State])
  /// The executor does not answer; nothing follows from that.
  case unavailable(String)
}

/// The executors that are known.
public enum Executors {
  /// All of them.
  public static let all: [any MemberExecutor.Type] = [LocalExecutor.self]
}
