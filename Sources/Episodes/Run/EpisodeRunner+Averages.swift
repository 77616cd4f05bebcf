import Checkpoints
import FileIO
import SystemPackage
import TensorCore

/// How the members of an episode become one.
extension EpisodeRunner {
  mutating func writeAverages(_ episode: Int) async throws {
    let start = ContinuousClock.now
    let members = try (1...plan.members).map { member in
      try winner(of: .train(episode: episode, member: member))
    }
    try checkDigests(episode)
    let digest = try await writeAverage(
      members.map { $0.out(suffix: plan.suffix) }, episode, isEMA: false)
    var emaDigest: String?
    switch plan.ema {
    case .off: break
    case .trainer:
      emaDigest = try await writeAverage(
        members.map { $0.emaOut(suffix: plan.suffix) }, episode, isEMA: true)
    case .checkpoints(let decay):
      emaDigest = try await writeMovingAverage(episode, decay: decay)
    }
    if plan.state == .average {
      let paths = members.map { $0.stateOut(suffix: plan.stateSuffix) }
      try average.writeStates(
        paths, weights: plan.average.weights,
        to: (1...plan.members).map {
          folder.averagedState(episode, member: $0, suffix: plan.stateSuffix)
        })
    }
    let spread = try average.distances(
      members: members.map { $0.out(suffix: plan.suffix) },
      average: folder.average(episode, suffix: plan.suffix),
      episodeStart: folder.average(episode - 1, suffix: plan.suffix),
      runStart: folder.average(0, suffix: plan.suffix))
    // Later, members may have converged; in the first episode they were told different seeds.
    if episode == 1, plan.requireDifference, let equal = spread?.equalMembers {
      throw RunError.equalMembers(equal.first, equal.second, run: run.path)
    }
    let seconds = (ContinuousClock.now - start).secondCount
    try record([
      .averaged(
        JournalEvent.Average(
          episode: episode, sha256: digest, emaSHA256: emaDigest, seconds: seconds,
          distances: spread?.distances))
    ])
  }

  /// Averages members' weights, and recalibrates the average when the plan says so.
  private mutating func writeAverage(_ paths: [FilePath], _ episode: Int, isEMA: Bool) async throws
    -> String
  {
    let (average, weights) = (average, plan.average.weights)
    return try await writeRecalibrated(episode, isEMA: isEMA) { path in
      try average.write(paths, weights: weights, to: path)
    }
  }

  /// ω(1) = θ(1), as a moving average over files begins; then ω(e) = λω(e−1) + (1−λ)θ(e).
  private mutating func writeMovingAverage(_ episode: Int, decay: Double) async throws -> String {
    let current = folder.average(episode, suffix: plan.suffix)
    let (average, before) = (average, folder.ema(episode - 1, suffix: plan.suffix))
    return try await writeRecalibrated(episode, isEMA: true) { path in
      episode == 1
        ? try average.write([current], weights: nil, to: path)
        : try average.write(before, then: current, decay: decay, to: path)
    }
  }

  /// Writes an average, and has its statistics measured anew when the plan says so.
  private mutating func writeRecalibrated(
    _ episode: Int, isEMA: Bool, _ write: (FilePath) throws -> String
  ) async throws -> String {
    let path =
      isEMA
      ? folder.ema(episode, suffix: plan.suffix) : folder.average(episode, suffix: plan.suffix)
    guard plan.average.recalibrate != nil else { return try write(path) }
    let raw = folder.uncalibrated(episode, isEMA: isEMA, suffix: plan.suffix)
    let task = RunTask.recalibrate(episode: episode, isEMA: isEMA)
    _ = try write(raw)
    try await scheduler.perform([try recalibrationJob(task, of: raw)])
    try Folder.copyAll(try winner(of: task).out(suffix: plan.suffix), to: path)
    return try ContentDigest(of: path).sha256
  }

  /// What was checked must still be there: a process that was forgotten could have written to it.
  private func checkDigests(_ episode: Int) throws {
    for member in 1...plan.members {
      let task = RunTask.train(episode: episode, member: member)
      let attempt = try winner(of: task)
      for output in run.history[task].outputs where output.role != "state_out" {
        let path =
          output.role == "out"
          ? attempt.out(suffix: plan.suffix) : attempt.emaOut(suffix: plan.suffix)
        let size = ContentSize.of(path)
        guard size == output.size else {
          throw RunError.damaged(
            path, "it has \(size) bytes, but \(output.size) were written and checked")
        }
      }
    }
  }
}
