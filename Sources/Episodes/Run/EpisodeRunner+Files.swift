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

  /// What members start an episode from must be what was written after the one before.
  func checkAverage(_ episode: Int) throws {
    guard let record = run.history.episodes[episode]?.average else { return }
    try contents.check(folder.average(episode, suffix: plan.suffix), sha256: record.sha256)
    if let digest = record.emaSHA256 {
      try contents.check(folder.ema(episode, suffix: plan.suffix), sha256: digest)
    }
  }

  /// What is measured must be what was averaged, or what a member made.
  func checkSubject(_ subject: RunTask.Subject, _ episode: Int) throws {
    guard case .member(let member) = subject else { return try checkAverage(episode) }
    let task = RunTask.train(episode: episode, member: member)
    guard let output = run.history[task].output(.out) else { return }
    try contents.check(
      try winner(of: task).path(of: .out, plan), sha256: output.sha256, version: output.version)
  }

  /// Puts the result of a complete run back when it is not there any more, or not as it was.
  func restoreResult() throws {
    let path = folder.final(suffix: plan.suffix)
    let expected = run.history.finalDigest
    if FileStatus(of: path) != nil, try OutputDigest(of: path).sha256 == expected { return }
    guard FileStatus(of: result) != nil, try OutputDigest(of: result).sha256 == expected else {
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
