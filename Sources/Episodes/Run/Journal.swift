import FileIO
import JSONText
import SystemPackage

/// The append-only record of a run: what its lines say is what happened, also after a power cut.
final class Journal {
  private let file: AppendOnlyFile
  /// What the lines say.
  private(set) var history: RunHistory

  /// Opens the journal of a run and reads what is in it.
  init(_ run: FilePath) throws {
    let path = RunFolder.journal(in: run)
    file = try AppendOnlyFile(path)
    history = try RunHistory(contentsOf: path)
  }

  /// Writes events down and waits until they are on the disk.
  func record(_ events: [JournalEvent]) throws {
    if events.isEmpty { return }
    let time = WallClock.now
    try file.append(events.map { $0.json(time: time).text + "\n" }.joined())
    for event in events { history.add(event, time: time) }
  }
}
