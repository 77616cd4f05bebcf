import FileIO
public import JSONText
import SystemPackage

extension RunStatus {
  /// Some lines for people.
  public var lines: [String] {
    var lines = [heading]
    if case .stopped(let reason) = history.phase, state == .stopped {
      lines.append("stopped: " + (reason.split(separator: "\n").first.map(String.init) ?? ""))
    }
    lines += working.map(line)
    if let metric = lastMetric, let evaluation = plan.evaluate {
      var text =
        "\(evaluation.metric) \(StatusNumber.text(metric.value)) (\(metric.subject.name), "
        + "episode \(metric.episode))"
      if let best = bestMetric, best != metric {
        text +=
          ", best \(StatusNumber.text(best.value)) (\(best.subject.name), episode \(best.episode))"
      }
      lines.append(text)
    }
    var counts: [String] = []
    if history.failureCount > 0 { counts.append("\(history.failureCount) failed attempts") }
    if history.resumeCount > 0 { counts.append("resumed \(history.resumeCount) times") }
    if !counts.isEmpty { lines.append(counts.joined(separator: ", ")) }
    switch state {
    case .completed:
      lines.append(
        "result: \(RunFolder(path, episodes: plan.episodes).final(suffix: plan.suffix))")
    case .stopped, .interrupted: lines.append("'imwa-run resume \(path)' goes on")
    case .running: break
    }
    return lines
  }

  private var heading: String {
    let done = max(0, history.lastComplete)
    var text = "\(path.lastComponent?.string ?? path.string): \(state.rawValue), \(done) of "
    text += "\(plan.episodes) episodes, \(plan.members) member\(plan.members == 1 ? "" : "s")"
    if state != .completed, let left = secondsLeft {
      text += ", about \(TimeText.duration(left.rounded())) left"
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
    if let rate = work.rate(at: time) { parts.append("\(StatusNumber.text(rate))/s") }
    if let loss = work.progress?.loss { parts.append("loss \(StatusNumber.text(loss))") }
    if let began = work.began { parts.append("for \(TimeText.duration(max(0, time - began)))") }
    if !work.isRunning { parts.append(work.began == nil ? "not begun" : "not running") }
    return "  " + parts.joined(separator: ", ")
  }

  /// The status for programs.
  public var json: JSONValue {
    func optional(_ number: Double?) -> JSONValue { number.map { .float($0) } ?? .null }
    var members = [
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
    if case .stopped(let reason) = history.phase {
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
            ])
          })))
    if let metric = lastMetric { members.append(JSONValue.Member("last_metric", json(metric))) }
    if let metric = bestMetric { members.append(JSONValue.Member("best_metric", json(metric))) }
    if let digest = history.finalDigest {
      let final = RunFolder(path, episodes: plan.episodes).final(suffix: plan.suffix)
      members.append(JSONValue.Member("final", .string(final.string)))
      members.append(JSONValue.Member("final_sha256", .string(digest)))
    }
    return .object(members)
  }

  private func json(_ metric: JournalEvent.Metric) -> JSONValue {
    .object([
      JSONValue.Member("episode", .integer(metric.episode)),
      JSONValue.Member("subject", .string(metric.subject.name)),
      JSONValue.Member("name", .string(plan.evaluate?.metric ?? "")),
      JSONValue.Member("value", .float(metric.value)),
    ])
  }
}

/// Numbers for people.
public enum StatusNumber {
  /// Four digits: `0.9312`, `12.35`, `1234`, `1.2e-05`.
  public static func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity" }
    let size = value.magnitude
    if size == 0 { return "0" }
    if size >= 1e15 || size < 1e-4 {
      let exponent = Int(logarithm(size))
      var scale = 1.0
      for _ in 0..<exponent.magnitude { scale *= 10 }
      let mantissa = exponent < 0 ? value * scale : value / scale
      return "\(rounded(mantissa, 10))e\(exponent)"
    }
    if size >= 1000 { return "\(Int(value.rounded()))" }
    let places: Double = size >= 100 ? 10 : size >= 10 ? 100 : size >= 1 ? 1000 : 10000
    return rounded(value, places)
  }

  private static func rounded(_ value: Double, _ places: Double) -> String {
    let text = ((value * places).rounded() / places).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// The exponent of ten, rounded down.
  private static func logarithm(_ value: Double) -> Double {
    var (rest, exponent) = (value, 0.0)
    while rest >= 10 { (rest, exponent) = (rest / 10, exponent + 1) }
    while rest < 1 { (rest, exponent) = (rest * 10, exponent - 1) }
    return exponent
  }
}
