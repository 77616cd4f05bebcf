import FileIO
public import JSONText
import Plotting
import SystemPackage

extension RunStatus {
  /// Some lines for people.
  public var lines: [String] {
    var lines = [heading]
    if case .stopped(let reason) = history.phase, state == .stopped {
      lines.append("stopped: " + (reason.split(separator: "\n").first.map(String.init) ?? ""))
    }
    lines += working.map(line)
    lines += metricLines
    if let distances = history.episodes[history.lastComplete]?.average?.distances {
      let among = distances.amongMembers.map { "\(NumberText.short($0)) between members, " } ?? ""
      lines.append(
        "L2 distance \(among)\(NumberText.short(distances.fromEpisodeStart)) from the episode's start, "
          + "\(NumberText.short(distances.fromRunStart)) from the run's")
    }
    var counts: [String] = []
    if history.failureCount > 0 { counts.append("\(history.failureCount) failed attempts") }
    if history.resumeCount > 0 { counts.append("resumed \(history.resumeCount) times") }
    if !counts.isEmpty { lines.append(counts.joined(separator: ", ")) }
    switch state {
    case .completed:
      if let reason = history.endReason { lines.append("ended early: \(reason)") }
      lines.append(
        "result: \(RunFolder(path, episodes: plan.episodes).final(suffix: plan.suffix))")
    case .stopped, .interrupted: lines.append("'imwa-run resume \(path)' goes on")
    case .running: break
    }
    return lines
  }

  private var metricLines: [String] {
    guard let name = plan.evaluate?.metric else { return [] }
    let metrics = metrics
    var parts: [String] = []
    if let last = metrics.last {
      parts.append(
        "\(NumberText.short(last.value)) (\(last.subject.name), episode \(last.episode))")
    }
    if let start = metrics.start { parts.append("\(NumberText.short(start.value)) at the start") }
    var lines = parts.isEmpty ? [] : ["\(name) " + parts.joined(separator: ", ")]
    if let best = metrics.best, let file = file(of: best) {
      let isThere = FileStatus(of: file) != nil
      let place = isThere ? file.string : "episode \(best.episode), whose file is not kept"
      lines.append("best \(NumberText.short(best.value)): \(place)")
    }
    return lines
  }

  private var heading: String {
    let done = max(0, history.lastComplete)
    var text = "\(path.lastComponent?.string ?? path.string): \(state.rawValue), \(done) of "
    text += "\(plan.episodes) episodes, \(plan.members) member\(plan.members == 1 ? "" : "s")"
    if state != .completed, let left = secondsLeft {
      text += ", about \(TimeText.duration(max(1, left.rounded()))) left"
    }
    if state == .completed {
      text += " in \(TimeText.duration(history.lastTime - history.startTime))"
    }
    return text
  }

  private func line(_ work: Working) -> String {
    var parts = [work.id.text]
    if let iteration = work.progress?.iteration, let range = work.iterations {
      parts.append("iteration \(iteration) of \(range.upperBound)")
    }
    if let rate = work.rate(at: time) { parts.append("\(NumberText.short(rate))/s") }
    if let loss = work.progress?.loss { parts.append("loss \(NumberText.short(loss))") }
    if let began = work.began { parts.append(TimeText.duration(max(0, time - began))) }
    if let place = work.elsewhere { parts.append("on host \(place)") }
    if !work.isRunning { parts.append(work.began == nil ? "not begun" : "not running") }
    return "  " + parts.joined(separator: ", ")
  }

  /// The status for programs.
  public var json: JSONValue {
    func optional(_ number: Double?) -> JSONValue { number.map { .float($0) } ?? .null }
    var members = [
      JSONValue.Member("format", .integer(RunFolder.format)),
      JSONValue.Member("run", .string(path.string)),
      JSONValue.Member("state", .string(state.rawValue)),
      JSONValue.Member("episodes", .integer(plan.episodes)),
      JSONValue.Member("completed_episodes", .integer(max(0, history.lastComplete))),
      JSONValue.Member("members", .integer(plan.members)),
      JSONValue.Member("iterations", .integer(plan.iterations)),
      JSONValue.Member("started", .float(history.startTime)),
      JSONValue.Member("last_event", .float(history.lastTime)),
      JSONValue.Member("seconds_left", optional(secondsLeft)),
      JSONValue.Member("failed_attempts", .integer(history.failureCount)),
      JSONValue.Member("resumed", .integer(history.resumeCount)),
    ]
    if let reason = history.endReason {
      members.append(JSONValue.Member("reason", .string(reason)))
    } else if case .stopped(let reason) = history.phase {
      members.append(JSONValue.Member("reason", .string(reason)))
    }
    members.append(
      JSONValue.Member(
        "working",
        .array(
          working.map { work in
            .object([
              JSONValue.Member("episode", .integer(work.id.task.episode)),
              JSONValue.Member("task", .string(work.id.task.name)),
              JSONValue.Member("attempt", .integer(work.id.number)),
              JSONValue.Member(
                "iteration", work.progress?.iteration.map { .integer($0) } ?? .null),
              JSONValue.Member("loss", optional(work.progress?.loss)),
              JSONValue.Member("iterations_per_second", optional(work.rate(at: time))),
              JSONValue.Member("running", .bool(work.isRunning)),
              JSONValue.Member("host", work.elsewhere.map { .string($0) } ?? .null),
            ])
          })))
    if let distances = history.episodes[history.lastComplete]?.average?.distances {
      members += [
        JSONValue.Member("l2_members", optional(distances.amongMembers)),
        JSONValue.Member("l2_episode_start", .float(distances.fromEpisodeStart)),
        JSONValue.Member("l2_run_start", .float(distances.fromRunStart)),
      ]
    }
    let metrics = metrics
    for (key, reading) in [
      ("start_metric", metrics.start), ("last_metric", metrics.last), ("best_metric", metrics.best),
    ] {
      if let reading { members.append(JSONValue.Member(key, json(reading))) }
    }
    if let digest = history.finalDigest {
      let final = RunFolder(path, episodes: plan.episodes).final(suffix: plan.suffix)
      members.append(JSONValue.Member("final", .string(final.string)))
      members.append(JSONValue.Member("final_sha256", .string(digest)))
    }
    return .object(members)
  }

  private func json(_ reading: MetricHistory.Reading) -> JSONValue {
    .object([
      JSONValue.Member("episode", .integer(reading.episode)),
      JSONValue.Member("subject", .string(reading.subject.name)),
      JSONValue.Member("name", .string(plan.evaluate?.metric ?? "")),
      JSONValue.Member("value", .float(reading.value)),
      JSONValue.Member("file", file(of: reading).map { .string($0.string) } ?? .null),
    ])
  }
}
