import Checkpoints
import FileIO
import JSONText
import SystemPackage

/// What the folders of a run prove, whatever its journal says.
struct RunEvidence {
  /// Something that is proved of an attempt.
  struct Proof {
    let id: AttemptID
    let event: JournalEvent
    let text: String
  }

  private let plan: Plan
  private let folder: RunFolder
  /// All attempts that have a folder, in their order.
  private let attempts: [AttemptID]

  init(_ path: FilePath, plan: Plan) {
    self.plan = plan
    folder = RunFolder(path, episodes: plan.episodes)
    attempts = RunEvidence.attempts(in: path)
  }

  // MARK: - The start

  /// What a run was started with, as its attempts tell.
  static func start(_ path: FilePath) -> JournalEvent.Start? {
    for folder in folders(in: path) {
      if let run = (try? folder.specification())?.run,
        case .started(let start)? = JournalEvent(run)
      {
        return start
      }
    }
    return nil
  }

  /// When a run was started at the latest.
  static func startTime(_ path: FilePath) -> Double {
    FileStatus(of: RunFolder.plan(in: path))?.modificationTime ?? 0
  }

  private static func folders(in path: FilePath) -> [AttemptFolder] {
    children(of: path, "episode-").flatMap { episode in
      children(of: episode, "").flatMap { children(of: $0, "attempt-") }
    }.map { AttemptFolder($0) }
  }

  private static func attempts(in path: FilePath) -> [AttemptID] {
    folders(in: path).compactMap { folder in
      let words = folder.path.components.suffix(3).map(\.string)
      guard words.count == 3, let episode = Int(words[0].dropFirst(8)),
        let task = RunTask(episode: episode, name: words[1]),
        let number = Int(words[2].dropFirst(8))
      else { return nil }
      return AttemptID(task, number)
    }.sorted {
      ($0.task.episode, $0.task.name, $0.number) < ($1.task.episode, $1.task.name, $1.number)
    }
  }

  private static func children(of path: FilePath, _ prefix: String) -> [FilePath] {
    ((try? Folder.components(in: path)) ?? []).filter { $0.string.hasPrefix(prefix) }
      .map { path.appending($0) }.filter { FileStatus(ofLink: $0)?.kind == .folder }
  }

  // MARK: - Averages

  /// Averages of which the journal says nothing: attempts of the next episode have started from them.
  func averages(after history: RunHistory) -> [JournalEvent.Average] {
    var found: [Int: JournalEvent.Average] = [:]
    for id in attempts {
      guard case .train(let next, _) = id.task, next - 1 > history.lastComplete,
        let starts = (try? folder.attempt(id).specification())?.startsFrom,
        let digest = starts["init"]
      else { continue }
      found[next - 1] = JournalEvent.Average(
        episode: next - 1, sha256: digest, emaSHA256: starts["ema_init"], seconds: 0)
    }
    guard let last = found.keys.max(), let average = found[last] else { return [] }
    // The one that the run goes on from must be there; it is made again otherwise.
    if !isThere(folder.average(last, suffix: plan.suffix), average.sha256) { found[last] = nil }
    return found.values.sorted { $0.episode < $1.episode }
  }

  func isAverageLost(_ episode: Int, _ history: RunHistory) -> Bool {
    guard let average = history.episodes[episode]?.average else { return false }
    let isEMALost = average.emaSHA256.map { !isThere(folder.ema(episode, suffix: plan.suffix), $0) }
    return !isThere(folder.average(episode, suffix: plan.suffix), average.sha256)
      || isEMALost == true
  }

  func areMembersThere(_ episode: Int, _ history: RunHistory) -> Bool {
    (1...plan.members).allSatisfy { member in
      let task = RunTask.train(episode: episode, member: member)
      return history[task].winner != nil && isIntact(task, history)
    }
  }

  // MARK: - Attempts

  /// Attempts whose end the journal does not tell.
  func attempts(missingIn history: RunHistory) -> [Proof] {
    var settled: Set<RunTask> = []
    return attempts.compactMap { id in
      let record = history[id.task]
      guard record.winner == nil, !settled.contains(id.task),
        !record.open.contains(id.number) || id.task.episode <= history.lastComplete,
        !record.failed.contains(id.number)
      else { return nil }
      let exit = (try? folder.attempt(id).exitRecord()) ?? nil
      let endedWell = exit?.ending == .exited(code: 0) && exit?.cause == nil
      if exit != nil, !endedWell {
        return Proof(
          id: id, event: .failed(id, .failed, reason: "it did not end well"),
          text: "\(id.text) failed")
      }
      if id.task.episode > history.lastComplete {
        // Whoever resumes the run waits for it, and judges it.
        return Proof(id: id, event: .submitted(id), text: "\(id.text) was begun")
      }
      // It was averaged, so that it had been judged.
      guard let exit else { return nil }
      settled.insert(id.task)
      return Proof(
        id: id,
        event: .finished(
          id, seconds: exit.seconds, outputs: exit.outputs,
          loss: TrainingProgress(folder.attempt(id))?.loss), text: "\(id.text) was finished")
    }
  }

  /// Members of the episode under way whose files are not what was checked any more: they are trained again.
  func changedMembers(in history: RunHistory) -> [Proof] {
    (1...plan.members).compactMap { member in
      let task = RunTask.train(episode: history.lastComplete + 1, member: member)
      guard let winner = history[task].winner, !isIntact(task, history) else { return nil }
      let id = AttemptID(task, winner)
      let reason = "its files are missing or were changed after they were checked"
      return Proof(
        id: id, event: .failed(id, .lost, reason: reason),
        text: "\(id.text): \(reason); it is trained again")
    }
  }

  private func isIntact(_ task: RunTask, _ history: RunHistory) -> Bool {
    guard let winner = history[task].winner else { return false }
    let attempt = folder.attempt(AttemptID(task, winner))
    return TrainerFile.allCases.allSatisfy { file in
      guard let output = history[task].output(file) else { return true }
      return isThere(attempt.path(of: file, plan), output.sha256)
    }
  }

  private func isThere(_ path: FilePath, _ sha256: String) -> Bool {
    FileStatus(of: path) != nil && (try? OutputDigest(of: path))?.sha256 == sha256
  }

  // MARK: - Metrics

  /// What evaluations printed and the journal does not say.
  func metrics(missingIn history: RunHistory) -> [JournalEvent.Metric] {
    guard let evaluation = plan.evaluate else { return [] }
    return attempts.compactMap { id in
      guard case .evaluate(let episode, let subject) = id.task, episode <= history.lastComplete,
        history.episodes[episode]?.metrics.contains(where: { $0.subject == subject }) != true,
        case .success(let outputs) = MetricOutput.read(
          folder.attempt(id).output, metric: evaluation.metric)
      else { return nil }
      return JournalEvent.Metric(
        episode: episode, subject: subject, value: outputs[0].value, all: outputs[0].all)
    }
  }
}
