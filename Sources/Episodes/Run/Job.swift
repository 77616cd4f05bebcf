/// A task that is to be done: its command, and how to judge what it made.
struct Job {
  let task: RunTask
  /// Checks that what the task starts from is what the journal says, each time before it is begun.
  let checkStart: () throws -> Void
  /// The command with all that it needs, for a folder and a device.
  let spec: (_ attempt: AttemptID, _ folder: AttemptFolder, _ slot: String) -> AttemptSpec
  /// Looks at what an attempt that ended with code 0 made: what is wrong, or what is to be written down besides.
  let verdict: (_ folder: AttemptFolder, _ record: ExitRecord) -> Verdict

  /// What is written down instead of stopping the run when all attempts have failed, and why; nil when it stops.
  var whenGivenUp: ((_ reason: String) -> [JournalEvent])?

  enum Verdict {
    case sound([JournalEvent])
    case faulty(String)
  }
}
