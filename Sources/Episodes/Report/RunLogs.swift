import FileIO
public import SystemPackage
import TensorCore

/// What the commands of a run wrote.
public struct RunLogs {
  /// The output of one attempt.
  public struct Log {
    /// Which it is.
    public let attempt: AttemptID
    /// Where it is.
    public let path: FilePath
    /// What was written to standard output, when that is apart; nil when it is in the log.
    let output: FilePath?

    /// How much of a file is read: its end.
    private static let maximumLength = 64 << 20

    /// The last lines; all when `count` is nil.
    public func lines(_ count: Int?) -> [String] {
      let length = count == nil ? Log.maximumLength : 1 << 16
      let bytes =
        (output.map { SmallFile.tail($0, count: length) } ?? [])
        + SmallFile.tail(path, count: length)
      let lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
        // A terminal would show what follows the last return over what stands before it.
        let shown = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        let last = shown.lastIndex(of: UInt8(ascii: "\r")).map { shown[($0 + 1)...] } ?? shown
        return String(decoding: last, as: UTF8.self)
      }
      return count.map { Array(lines.suffix($0)) } ?? lines
    }
  }

  /// The logs, members by their numbers.
  public let logs: [Log]

  /// Finds the last attempts of an episode.
  ///
  /// - Parameters:
  ///   - task: the number of a member, or the name of another task; nil for all of them.
  ///   - episode: nil for the last one in which there is such a task.
  /// - Throws: `RunError` when there is none.
  public init(_ status: RunStatus, task: String? = nil, episode: Int? = nil) throws {
    let name = task.map { Int($0) == nil ? $0 : "member-\($0)" }
    let found = status.history.episodes.filter { number, record in
      (episode ?? number) == number
        && record.tasks.contains { $0.value.lastAttempt > 0 && (name ?? $0.key) == $0.key }
    }
    guard let last = found.max(by: { $0.key < $1.key }) else {
      throw RunError(
        .missingInput,
        "\(status.path): it has no attempt"
          + (task.map { " of '\($0)'" } ?? "") + (episode.map { " in episode \($0)" } ?? ""),
        hint: "'imwa-run status \(status.path)' shows what there is")
    }
    let folder = RunFolder(status.path, episodes: status.plan.episodes)
    let tasks = last.value.tasks.compactMap { key, record -> (task: RunTask, number: Int)? in
      guard (name ?? key) == key, record.lastAttempt > 0 else { return nil }
      return RunTask(episode: last.key, name: key).map { ($0, record.lastAttempt) }
    }
    logs = tasks.sorted { $0.task.order < $1.task.order }.map { task, number in
      let attempt = folder.attempt(AttemptID(task, number))
      let isApart = FileStatus(of: attempt.output) != nil
      return Log(
        attempt: AttemptID(task, number), path: attempt.log, output: isApart ? attempt.output : nil)
    }
  }
}
