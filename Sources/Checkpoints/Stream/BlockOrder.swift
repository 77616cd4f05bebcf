import Dispatch
import Synchronization

/// Lets threads through in the order of their blocks' places.
///
/// A stream hands its blocks out in order, and the thread that has the lowest one never waits: so all get
/// their turn.
final class BlockOrder: Sendable {
  private struct State {
    var next = 0
    var waiting: [Int: DispatchSemaphore] = [:]
    var isStopped = false
  }

  private let state = Mutex(State())

  /// Waits for the turn of the block at `offset`.
  ///
  /// - Returns: false when there will be none, because an earlier block has failed.
  func waitForTurn(of offset: Int) -> Bool {
    let semaphore: DispatchSemaphore? = state.withLock { state in
      if state.isStopped || state.next == offset { return nil }
      let semaphore = DispatchSemaphore(value: 0)
      state.waiting[offset] = semaphore
      return semaphore
    }
    semaphore?.wait()
    return state.withLock { !$0.isStopped }
  }

  /// Ends a turn; the block at `offset` is next.
  func pass(to offset: Int) {
    state.withLock { state in
      state.next = offset
      return state.waiting.removeValue(forKey: offset)
    }?.signal()
  }

  /// Lets all go without a turn.
  func stop() {
    let waiting = state.withLock { state in
      state.isStopped = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for semaphore in waiting { semaphore.signal() }
  }
}
