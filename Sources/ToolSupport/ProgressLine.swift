import Checkpoints
import FileIO
import Synchronization

/// One line on the terminal that tells how far the work is; nothing where no person looks.
package final class ProgressLine: Sendable {
  private struct State {
    var lastShown: ContinuousClock.Instant
    var isVisible = false
  }

  private let start: ContinuousClock.Instant
  private let isActive: Bool
  private let state: Mutex<State>

  /// Starts the clock.
  package init(talk: Tool.Talk) {
    start = .now
    isActive = talk == .normal && Console.error.canRedraw
    // Short work needs no line.
    state = Mutex(State(lastShown: start + .milliseconds(400)))
  }

  /// Shows how many bytes of how many are done, at most ten times a second.
  package func update(done: Int, total: Int) {
    guard isActive else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      guard now - state.lastShown >= .milliseconds(100) else { return }
      state.lastShown = now
      state.isVisible = true
      let seconds = (now - start).seconds
      let rate = Double(done) / seconds
      let left = rate > 0 ? Int((Double(total - done) / rate).rounded(.up)) : 0
      let percent = total > 0 ? done * 100 / total : 100
      let text =
        "\(percent) %  \(ByteCount.text(done)) of \(ByteCount.text(total))  "
        + "\(ByteCount.text(Int(rate)))/s  \(left) s left"
      let width = (Console.error.width ?? 80) - 1
      try? Console.error.write("\r\u{1B}[K" + ColumnWidth.prefix(text, columns: width))
    }
  }

  /// Removes the line.
  package func finish() {
    state.withLock { state in
      if state.isVisible { try? Console.error.write("\r\u{1B}[K") }
      state.isVisible = false
    }
  }
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
