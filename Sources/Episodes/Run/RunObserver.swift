/// Who is told how a run goes.
public protocol RunObserver: Sendable {
  /// Something was written to the journal.
  func happened(_ event: JournalEvent, in history: RunHistory)

  /// Something that a user should know.
  func notice(_ text: String)

  /// Attempts are under way; called several times a second.
  func isWorking(_ attempts: [ActiveAttempt], in history: RunHistory)
}

/// An attempt that is under way.
public struct ActiveAttempt: Sendable, Hashable {
  /// Which it is.
  public let id: AttemptID
  /// Where its files are.
  public let folder: AttemptFolder
  /// The device that it has.
  public let slot: String
}
