import FileIO
public import SystemPackage

/// Where things are in the folder of a run.
public struct RunFolder: Sendable, Hashable {
  /// The folder.
  public let path: FilePath
  private let digits: Int

  /// Names the folder of a run of so many episodes.
  public init(_ path: FilePath, episodes: Int) {
    self.path = path
    digits = max(3, String(episodes).count)
  }

  /// The version of what is in the folder of a run, as imwa-run-folder(5) tells it: names, records and their keys.
  public static let format = 1

  /// The plan as the run was started with.
  public static func plan(in path: FilePath) -> FilePath { path.appending("plan.yaml") }
  /// What happened.
  public static func journal(in path: FilePath) -> FilePath { path.appending("journal.jsonl") }
  /// What the plan's `notify` wrote.
  public static func notifications(in path: FilePath) -> FilePath { path.appending("notify.log") }
  /// Whether a run was started in a folder: its journal has a line.
  public static func isStarted(_ path: FilePath) -> Bool {
    (FileStatus(of: journal(in: path))?.size ?? 0) > 0
  }
  /// The lock that keeps two runners apart.
  public static func lock(in path: FilePath) -> FilePath { path.appending("lock") }

  /// Asks whoever works on the run to stop, by being there.
  public static func stop(in path: FilePath) -> FilePath { path.appending("stop") }
  /// What a runner in the background says.
  public static func runnerLog(in path: FilePath) -> FilePath { path.appending("runner.log") }

  /// The folder of the run that a file belongs to; that of the file when it belongs to none.
  static func containing(_ file: FilePath) -> FilePath {
    var path = file
    while path.removeLastComponent() {
      if isStarted(path) { return path }
    }
    return file.removingLastComponent()
  }

  /// The event files for TensorBoard.
  public var tensorboard: FilePath { path.appending("tensorboard") }

  /// The folder of an episode; 0 is what was before the first.
  public func episode(_ number: Int) -> FilePath {
    let text = String(number)
    return path.appending(
      "episode-" + String(repeating: "0", count: max(0, digits - text.count)) + text)
  }

  /// The average of an episode; that of episode 0 is the start, θ(0).
  public func average(_ episode: Int, suffix: String) -> FilePath {
    self.episode(episode).appending("average\(suffix)")
  }

  /// The first weights before a warm start.
  public func initial(suffix: String) -> FilePath { episode(0).appending("initial\(suffix)") }

  /// The average, or the moving average, before it was recalibrated.
  public func uncalibrated(_ episode: Int, isEMA: Bool, suffix: String) -> FilePath {
    self.episode(episode).appending("\(isEMA ? "ema" : "average")-uncalibrated\(suffix)")
  }

  /// The moving average of an episode.
  public func ema(_ episode: Int, suffix: String) -> FilePath {
    self.episode(episode).appending("ema\(suffix)")
  }

  /// The averaged state that a member starts the next episode from.
  public func averagedState(_ episode: Int, member: Int, suffix: String) -> FilePath {
    self.episode(episode).appending("state-\(member)\(suffix)")
  }

  /// The result of the run.
  public func final(suffix: String) -> FilePath {
    path.appending("final\(suffix)")
  }

  /// The folder of a task.
  public func task(_ task: RunTask) -> FilePath { episode(task.episode).appending(task.name) }

  /// The folder of an attempt.
  public func attempt(_ attempt: AttemptID) -> AttemptFolder {
    AttemptFolder(task(attempt.task).appending("attempt-\(attempt.number)"))
  }

  /// The largest number of an attempt that has a folder; 0 when none has.
  public func lastAttempt(of task: RunTask) -> Int {
    let names = (try? Folder.names(in: self.task(task))) ?? []
    return names.compactMap { $0.hasPrefix("attempt-") ? Int($0.dropFirst(8)) : nil }.max() ?? 0
  }
}
