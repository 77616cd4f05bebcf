import Checkpoints
import FileIO
import SystemPackage
import TensorCore

/// How the members of an episode become one.
extension EpisodeRunner {
  mutating func writeAverages(_ episode: Int) async throws {
    let start = ContinuousClock.now
    let digest = try await writeAverage(try inputs(episode, .out), episode, isEMA: false)
    var emaDigest: String?
    switch plan.ema {
    case .off: break
    case .trainer:
      emaDigest = try await writeAverage(try inputs(episode, .emaOut), episode, isEMA: true)
    case .checkpoints(let decay):
      emaDigest = try await writeMovingAverage(episode, decay: decay)
    }
    let states = plan.state == .average ? try writeStates(episode) : []
    let spread = try average.distances(
      members: try inputs(episode, .out).map(\.path),
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
          episode: episode, sha256: digest, emaSHA256: emaDigest, stateSHA256s: states,
          seconds: seconds, distances: spread?.distances))
    ])
  }

  /// Averages members' weights, and recalibrates the average when the plan says so.
  private mutating func writeAverage(
    _ inputs: [EpisodeAverage.Input], _ episode: Int, isEMA: Bool
  ) async throws -> String {
    let (average, weights) = (average, plan.average.weights)
    return try await writeRecalibrated(episode, isEMA: isEMA) { path in
      try average.write(inputs, weights: weights, to: path)
    }
  }

  /// ω(1) = θ(1), as a moving average over files begins; then ω(e) = λω(e−1) + (1−λ)θ(e).
  private mutating func writeMovingAverage(_ episode: Int, decay: Double) async throws -> String {
    let current = EpisodeAverage.Input(
      path: folder.average(episode, suffix: plan.suffix), sha256: nil)
    let before = EpisodeAverage.Input(
      path: folder.ema(episode - 1, suffix: plan.suffix),
      sha256: run.history.episodes[episode - 1]?.average?.emaSHA256)
    let average = average
    return try await writeRecalibrated(episode, isEMA: true) { path in
      episode == 1
        ? try average.write([current], weights: nil, to: path)
        : try average.write(before, then: current, decay: decay, to: path)
    }
  }

  /// Writes an average, and has its statistics measured anew when the plan says so.
  private mutating func writeRecalibrated(
    _ episode: Int, isEMA: Bool, _ write: (FilePath) throws -> OutputDigest
  ) async throws -> String {
    let path =
      isEMA
      ? folder.ema(episode, suffix: plan.suffix) : folder.average(episode, suffix: plan.suffix)
    guard plan.average.recalibrate != nil else {
      let digest = try write(path)
      contents.note(path, digest)
      return digest.sha256
    }
    let raw = folder.uncalibrated(episode, isEMA: isEMA, suffix: plan.suffix)
    let task = RunTask.recalibrate(episode: episode, isEMA: isEMA)
    _ = try write(raw)
    try await scheduler.perform([try recalibrationJob(task, of: raw)])
    try Folder.copyAll(try winner(of: task).out(suffix: plan.suffix), to: path)
    let digest = try OutputDigest(of: path)
    contents.note(path, digest)
    return digest.sha256
  }

  private func writeStates(_ episode: Int) throws -> [String] {
    let paths = (1...plan.members).map {
      folder.averagedState(episode, member: $0, suffix: plan.stateSuffix)
    }
    let digests = try average.writeStates(
      try inputs(episode, .stateOut), weights: plan.average.weights, to: paths)
    for (path, digest) in zip(paths, digests) { contents.note(path, digest) }
    return digests.map(\.sha256)
  }

  /// What the members of an episode made, with what the journal says of it.
  private func inputs(_ episode: Int, _ file: TrainerFile) throws -> [EpisodeAverage.Input] {
    try (1...plan.members).map { member in
      let task = RunTask.train(episode: episode, member: member)
      let path = try winner(of: task).path(of: file, plan)
      guard FileStatus(of: path) != nil else { throw RunError.gone(path) }
      return EpisodeAverage.Input(path: path, sha256: run.history[task].output(file)?.sha256)
    }
  }
}
