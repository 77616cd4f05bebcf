import Checkpoints
import FileIO
import SystemPackage
import TensorCore

/// The files of a run: what must be there and unchanged, what there must be room for, and what goes.
extension EpisodeRunner {
  /// The files that the members of an episode start from.
  func episodeStarts(_ episode: Int) throws -> [ReadableFile] {
    var paths = [folder.average(episode - 1, suffix: plan.suffix)]
    if plan.ema == .trainer { paths.append(emaStart(episode)) }
    return try paths.flatMap { try plainFiles(at: $0) }
  }

  private func plainFiles(at path: FilePath) throws -> [ReadableFile] {
    guard FileStatus(of: path)?.kind == .folder else { return [try ReadableFile(path)] }
    return try Folder.components(in: path).flatMap { try plainFiles(at: path.appending($0)) }
  }

  /// What a run goes on from must be what was written.
  func checkLastAverage() throws {
    let episode = run.history.lastComplete
    guard episode >= 0, let record = run.history.episodes[episode]?.average else { return }
    var expected = [(folder.average(episode, suffix: plan.suffix), record.sha256)]
    if let digest = record.emaSHA256 {
      expected.append((folder.ema(episode, suffix: plan.suffix), digest))
    }
    for (path, digest) in expected {
      guard FileStatus(of: path) != nil else {
        throw RunError.damaged(path, "the weights that the run goes on from are missing")
      }
      guard try ContentDigest(of: path).sha256 == digest else {
        throw RunError.damaged(path, "it is not the file that was written after episode \(episode)")
      }
    }
  }

  /// Puts the result of a complete run back when it is not there any more, or not as it was.
  func restoreResult() throws {
    let path = folder.final(suffix: plan.suffix)
    let expected = run.history.finalDigest
    if FileStatus(of: path) != nil, try ContentDigest(of: path).sha256 == expected { return }
    guard FileStatus(of: result) != nil, try ContentDigest(of: result).sha256 == expected else {
      throw RunError.damaged(
        path, "the result is missing or was changed, and so is \(result), which it is a copy of")
    }
    observer.notice("\(path): it was missing or changed, and is restored")
    try Folder.copyAll(result, to: path)
  }

  func checkFreeSpace() throws {
    let previous = run.history.lastComplete
    let model = ContentSize.of(folder.average(previous, suffix: plan.suffix))
    let states = run.history.episodes[previous]?.tasks.values.reduce(0) { sum, task in
      sum + (task.outputs.first { $0.role == "state_out" }?.size ?? 0)
    }
    let copies = plan.ema == .trainer ? 2 : 1
    let needed = model * copies * (plan.members + 1) + (states ?? 0)
    guard let free = Folder.freeSpace(at: run.path), free < needed else { return }
    throw RunError.lowSpace(run.path, needed: needed, free: free)
  }

  /// Removes the files that the plan does not keep.
  ///
  /// - Parameter formerBest: the episode whose average was the best one before the last.
  func removeWhatIsNotKept(all: Bool, formerBest: Int? = nil) {
    let latest = run.history.lastComplete
    guard latest > 0 else { return }
    let best = plan.select == .best ? MetricHistory(run.history, plan: plan).best?.episode : nil
    for episode in all ? Array(1...latest) : recent(latest, formerBest) {
      let path = folder.episode(episode)
      if !plan.keepMembers.keeps(episode, latest: latest) { removeMembers(episode) }
      if !plan.keepAverages.keeps(episode, latest: latest), episode != best {
        for name in ["average", "average-uncalibrated", "ema", "ema-uncalibrated"] {
          Folder.removeAll(path.appending(name + plan.suffix))
        }
        for isEMA in [false, true] {
          removeOutputs(of: .recalibrate(episode: episode, isEMA: isEMA))
        }
      }
      if episode < latest, plan.state == .average {
        for member in 1...plan.members {
          Folder.removeAll(folder.averagedState(episode, member: member, suffix: plan.stateSuffix))
        }
      }
    }
  }

  /// The episodes whose files may have become superfluous with the latest one.
  private func recent(_ latest: Int, _ formerBest: Int?) -> [Int] {
    var episodes: Set = [latest, latest - 1, formerBest ?? latest]
    for keep in [plan.keepMembers, plan.keepAverages] {
      if case .last(let count) = keep { episodes.insert(latest - count) }
    }
    return episodes.filter { $0 > 0 }.sorted()
  }

  private func removeMembers(_ episode: Int) {
    for member in 1...plan.members { removeOutputs(of: .train(episode: episode, member: member)) }
  }

  private func removeOutputs(of task: RunTask) {
    for number in 1...max(1, run.history[task].lastAttempt) {
      let attempt = folder.attempt(AttemptID(task, number))
      Folder.removeAll(attempt.out(suffix: plan.suffix))
      Folder.removeAll(attempt.emaOut(suffix: plan.suffix))
      Folder.removeAll(attempt.stateOut(suffix: plan.stateSuffix))
    }
  }
}

/// How much room a checkpoint takes.
enum ContentSize {
  /// The bytes of a file, or of all files in a folder; 0 when there is none.
  static func of(_ path: FilePath) -> Int {
    guard let status = FileStatus(of: path) else { return 0 }
    guard status.kind == .folder else { return status.size }
    return ((try? Folder.components(in: path)) ?? []).reduce(0) { $0 + of(path.appending($1)) }
  }
}
