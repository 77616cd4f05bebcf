import FileIO
import JSONText
import SystemPackage

/// The append-only record of a run: what its lines say is what happened, also after a power cut.
final class Journal {
  /// Nil when it is only read.
  private let file: AppendOnlyFile?
  /// The time of the last line before, and the moment from which time is counted on.
  private let beginning: (time: Double, moment: ContinuousClock.Instant)
  /// What the lines say.
  private(set) var history: RunHistory

  /// Opens the journal of a run and reads what is in it.
  init(_ run: FilePath) throws {
    let path = RunFolder.journal(in: run)
    file = try AppendOnlyFile(
      path,
      wayBack: "put it back, or 'imwa-run repair \(run)' makes it again from what attempts prove")
    history = try RunHistory(contentsOf: path)
    beginning = (max(WallClock.now, history.lastTime), .now)
  }

  /// Reads the journal of a complete run, to which nothing is added; nil when the run is not complete.
  init?(complete run: FilePath) throws {
    history = try RunHistory(contentsOf: RunFolder.journal(in: run))
    if history.phase != .completed { return nil }
    file = nil
    beginning = (history.lastTime, .now)
  }

  /// The time of the next line, in seconds since 1970.
  ///
  /// The clock of the machine is looked at once: should it be set, no episode takes an hour, or less than no time.
  private var time: Double { beginning.time + (ContinuousClock.now - beginning.moment).secondCount }

  /// Writes events down and waits until they are on the disk.
  func record(_ events: [JournalEvent]) throws {
    if events.isEmpty { return }
    let time = time
    guard let file else { preconditionFailure("a complete run has no more events") }
    try file.append(events.map { $0.json(time: time).text + "\n" }.joined())
    for event in events { history.add(event, time: time) }
  }
}
