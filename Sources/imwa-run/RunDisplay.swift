import Episodes
import FileIO
import Plotting
import Synchronization
import SystemPackage
import ToolSupport

/// Tells how a run goes: a block of lines that is drawn again on a terminal, plain lines otherwise.
final class RunDisplay: RunObserver {
  private let tool: Tool
  private let path: FilePath
  private let plan: Plan
  private let isLive: Bool
  private let state = Mutex(State())

  private struct State {
    var lastDrawn: ContinuousClock.Instant?
    var lineCount = 0
  }

  init(tool: Tool, path: FilePath, plan: Plan) {
    self.tool = tool
    self.path = path
    self.plan = plan
    isLive = tool.talk == .normal && Console.error.isTerminal
  }

  func happened(_ event: JournalEvent, in history: RunHistory) {
    guard !isLive, tool.talk == .normal, let text = line(event, history) else { return }
    say(text)
  }

  func notice(_ text: String) {
    clear()
    tool.notice(text)
  }

  func isWorking(_ attempts: [ActiveAttempt], in history: RunHistory) {
    guard isLive else { return }
    let isDue = state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastDrawn, now - last < .milliseconds(250) { return false }
      state.lastDrawn = now
      return true
    }
    guard isDue else { return }
    draw(RunStatus(path: path, plan: plan, history: history).lines)
  }

  /// Removes the block.
  func finish() { clear() }

  private func draw(_ lines: [String]) {
    let width = (Console.error.width ?? 80) - 1
    state.withLock { state in
      let text = lines.map { String(Tool.printable($0).prefix(width)) }.joined(separator: "\n")
      try? Console.error.write(RunDisplay.erase(state.lineCount) + text + "\n")
      state.lineCount = lines.count
    }
  }

  private func clear() {
    state.withLock { state in
      if state.lineCount > 0 { try? Console.error.write(RunDisplay.erase(state.lineCount)) }
      state.lineCount = 0
    }
  }

  /// Moves to the start of the block and erases from there.
  static func erase(_ lineCount: Int) -> String {
    lineCount > 0 ? "\u{1B}[\(lineCount)A\r\u{1B}[J" : ""
  }

  private func say(_ text: String) {
    try? Console.error.write(Tool.printable(text) + "\n")
  }

  private func line(_ event: JournalEvent, _ history: RunHistory) -> String? {
    switch event {
    case .averaged(let average) where average.episode > 0:
      var text = "episode \(average.episode) of \(plan.episodes) averaged"
      let tasks = history.episodes[average.episode]?.tasks ?? [:]
      let seconds = tasks.filter { $0.key.hasPrefix("member-") }.compactMap(\.value.seconds)
      if let longest = seconds.max() { text += ", trained in \(TimeText.duration(longest))" }
      if let distance = average.distances?.amongMembers {
        text += ", L2 \(NumberText.short(distance))"
      }
      let losses = (1...plan.members).compactMap { tasks["member-\($0)"]?.loss }
      if !losses.isEmpty {
        text += ", loss " + losses.map { NumberText.short($0) }.joined(separator: " and ")
      }
      return text
    case .measured(let metric):
      let name = plan.evaluate?.metric ?? "metric"
      return "episode \(metric.episode): \(name) \(NumberText.short(metric.value)) "
        + "(\(metric.subject.name))"
    default: return nil
    }
  }
}
