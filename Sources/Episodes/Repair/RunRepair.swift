import FileIO
import JSONText
public import SystemPackage
import TensorCore

/// Makes the journal of a run readable again: it keeps the lines that are intact, and adds what the folders of attempts
/// prove. What cannot be read goes to `journal.damaged`.
public struct RunRepair {
  /// What was done, as sentences.
  public private(set) var actions: [String] = []

  private let path: FilePath
  private var lines: [RepairedLine] = []
  private var damaged: [ArraySlice<UInt8>] = []
  private var history = RunHistory()

  /// Repairs the run in a folder.
  ///
  /// - Throws: `RunError` when it is being worked on, or when nothing tells what it was started with; `PlanError`,
  ///   `FileError`.
  public init(of path: FilePath) throws {
    self.path = Folder.absolute(path)
    guard FileStatus(of: RunFolder.plan(in: self.path)) != nil else {
      throw RunError.noRun(self.path)
    }
    let lock = try Run.lock(self.path)
    try withExtendedLifetime(lock) { try repair() }
  }

  private mutating func repair() throws {
    let journal = RunFolder.journal(in: path)
    let bytes = try SmallFile.read(journal, maximumSize: Int.max) ?? []
    if FileStatus(of: journal) == nil { actions.append("the journal was missing") }
    read(bytes)
    try findStart()
    let (plan, _) = try Run.frozenPlan(path, history)
    let evidence = RunEvidence(path, plan: plan)
    dropLostAverage(evidence)
    for average in evidence.averages(after: history) {
      add(.averaged(average), "episode \(average.episode) was averaged")
    }
    for proof in evidence.attempts(missingIn: history) { add(proof.event, proof.text) }
    for metric in evidence.metrics(missingIn: history) {
      add(.measured(metric), "episode \(metric.episode), \(metric.subject.name) was measured")
    }
    for proof in evidence.changedMembers(in: history) { add(proof.event, proof.text) }
    if actions.isEmpty { return }
    try write()
  }

  // MARK: - Lines

  private mutating func read(_ bytes: [UInt8]) {
    for (number, line) in JournalLines(bytes) {
      switch JournalLine(line) {
      case .event(let event, let time): keep(event, time, line)
      case .blank: continue
      case .unknown: lines.append(RepairedLine(line, event: nil))
      case .damaged:
        damaged.append(line)
        actions.append("line \(number) cannot be read")
        salvage(line)
      }
    }
    // A last line without an end was never completed.
    let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    if end < bytes.count {
      damaged.append(bytes[end...])
      actions.append("the last line was not written to its end")
    }
  }

  /// A line that begins in the middle of a damaged one: the one before it was torn.
  private mutating func salvage(_ line: ArraySlice<UInt8>) {
    let start = Array(#"{"time":"#.utf8)
    let places = line.indices.dropFirst().filter { line[$0...].starts(with: start) }
    for place in places {
      guard case .event(let event, let time) = JournalLine(line[place...]) else { continue }
      keep(event, time, line[place...])
      actions.append("the end of that line can be read, and is kept")
      return
    }
  }

  private mutating func keep(_ event: JournalEvent, _ time: Double, _ line: ArraySlice<UInt8>) {
    lines.append(RepairedLine(line, event: event))
    history.add(event, time: time)
  }

  private mutating func add(_ event: JournalEvent, _ text: String) {
    let line = Array(event.json(time: history.lastTime).text.utf8)
    actions.append(text)
    keep(event, history.lastTime, line[...])
  }

  // MARK: - What the run was started with

  private mutating func findStart() throws {
    if history.start != nil { return }
    guard let start = RunEvidence.start(path) else {
      throw RunError(
        .badInput,
        "\(path): neither the journal nor an attempt tells what the run was started with",
        hint: "start it anew: 'imwa-run start PLAN --dir ANOTHER'")
    }
    actions.append("what the run was started with is known from its attempts")
    let line = Array(JournalEvent.started(start).json(time: RunEvidence.startTime(path)).text.utf8)
    // The first line comes first, whatever is left of the others.
    let others = lines
    (lines, history) = ([], RunHistory())
    keep(.started(start), RunEvidence.startTime(path), line[...])
    for other in others {
      lines.append(other)
      if let event = other.event { history.add(event, time: other.time) }
    }
  }

  /// An average that is missing or not what was written is made again, when what it was made of is there.
  private mutating func dropLostAverage(_ evidence: RunEvidence) {
    let episode = history.lastComplete
    guard episode > 0, history.phase != .completed, evidence.isAverageLost(episode, history),
      evidence.areMembersThere(episode, history)
    else { return }
    lines.removeAll { line in
      if case .averaged(let average)? = line.event { average.episode == episode } else { false }
    }
    history = RunHistory()
    for line in lines { if let event = line.event { history.add(event, time: line.time) } }
    actions.append("the average of episode \(episode) is missing or was changed, and is made again")
  }

  // MARK: - Writing

  private func write() throws {
    if !damaged.isEmpty {
      let file = path.appending("journal.damaged")
      let before = try SmallFile.read(file, maximumSize: Int.max) ?? []
      try SmallFile.write(before + damaged.flatMap { $0 + [UInt8(ascii: "\n")] }, to: file)
    }
    let note = JSONValue.object([
      JSONValue.Member("time", .float(history.lastTime)),
      JSONValue.Member("event", .string("repaired")),
      JSONValue.Member("actions", .array(actions.map { .string($0) })),
    ])
    let all = lines.map { Array($0.bytes) } + [Array(note.text.utf8)]
    try SmallFile.write(
      all.flatMap { $0 + [UInt8(ascii: "\n")] }, to: RunFolder.journal(in: path))
  }
}

/// A line that stays, or that is added.
private struct RepairedLine {
  let bytes: ArraySlice<UInt8>
  /// Nil for one of a later version.
  let event: JournalEvent?

  init(_ bytes: ArraySlice<UInt8>, event: JournalEvent?) {
    (self.bytes, self.event) = (bytes, event)
  }

  var time: Double {
    if case .event(_, let time) = JournalLine(bytes) { time } else { 0 }
  }
}
