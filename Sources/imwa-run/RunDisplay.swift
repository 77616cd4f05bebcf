import Episodes
import FileIO
import Plotting
import Synchronization
import SystemPackage
import ToolSupport

/// Tells how a run goes: a line for each episode, and on a terminal a block below them that is drawn again.
final class RunDisplay: RunObserver {
  private let tool: Tool
  private let path: FilePath
  private let plan: Plan
  /// Nil where nothing can be drawn over.
  private let block: LiveBlock?
  private let lastDrawn = Mutex<ContinuousClock.Instant?>(nil)

  init(tool: Tool, path: FilePath, plan: Plan) {
    self.tool = tool
    self.path = path
    self.plan = plan
    block = tool.talk == .normal && Console.error.canRedraw ? LiveBlock(on: .error) : nil
  }

  func happened(_ event: JournalEvent, in history: RunHistory) {
    guard tool.talk == .normal, let text = line(event, history) else { return }
    if let block {
      block.add(text)
      draw(history)
    } else {
      try? Console.error.write(Tool.printable(text) + "\n")
    }
  }

  func notice(_ text: String) {
    block?.clear()
    tool.notice(text)
  }

  func isWorking(_ attempts: [ActiveAttempt], in history: RunHistory) {
    guard block != nil else { return }
    let isDue = lastDrawn.withLock { last in
      let now = ContinuousClock.now
      if let last, now - last < .milliseconds(250) { return false }
      last = now
      return true
    }
    if isDue { draw(history) }
  }

  /// Removes the block.
  func finish() { block?.clear() }

  private func draw(_ history: RunHistory) {
    block?.draw(RunStatus(path: path, plan: plan, history: history).lines)
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
      if losses.count > 3, let low = losses.min(), let high = losses.max() {
        text += ", loss \(NumberText.short(low)) to \(NumberText.short(high))"
      } else if !losses.isEmpty {
        text += ", loss " + losses.map { NumberText.short($0) }.joined(separator: " and ")
      }
      return text
    case .measured(let metric):
      let name = plan.evaluate?.metric ?? "metric"
      let value = metric.value.map { NumberText.short($0) } ?? metric.problem ?? "unknown"
      return metric.episode == 0
        ? "start: \(name) \(value)"
        : "episode \(metric.episode): \(name) \(value) (\(metric.subject.name))"
    default: return nil
    }
  }
}
