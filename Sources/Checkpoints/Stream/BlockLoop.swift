import Dispatch
import Synchronization

/// The one loop in which tensors are read: threads take blocks in order.
struct BlockLoop {
  let blockCount: Int
  /// How many bytes all blocks have, for the progress.
  let byteCount: Int
  let options: StreamOptions
  /// How many threads there may be at most: some work needs much memory.
  var maximumThreads = Int.max
  /// Called when a block fails.
  var onFailure: @Sendable () -> Void = {}

  /// Calls `work` on every thread with a function that takes blocks, for each of which it calls its
  /// argument, until there are no more. That one returns how many bytes the block had.
  ///
  /// - Throws: the error of the first block that has one, in the order of the blocks.
  func run(
    _ work: @Sendable (_ takeBlocks: (_ process: (Int) throws -> Int) -> Void) -> Void
  ) throws {
    let progress = LoopProgress()
    let threads = max(1, min(options.threads, maximumThreads, blockCount))
    if threads == 1 {
      work { takeBlocks(progress, $0) }
    } else {
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        work { takeBlocks(progress, $0) }
      }
    }
    if let error = progress.error { throw error }
  }

  private func takeBlocks(_ progress: LoopProgress, _ process: (Int) throws -> Int) {
    while let block = progress.nextBlock(of: blockCount) {
      if let signal = options.interruption() {
        progress.fail(StreamError.interrupted(signal), block: -1)
        onFailure()
        break
      }
      do {
        options.progress(progress.add(try process(block)), byteCount)
      } catch {
        progress.fail(error, block: block)
        onFailure()
      }
    }
  }
}

/// What the threads of a loop share.
private final class LoopProgress: Sendable {
  private let next = Atomic<Int>(0)
  private let done = Atomic<Int>(0)
  private let hasFailed = Atomic<Bool>(false)
  private let failure = Mutex<(block: Int, error: any Error)?>(nil)

  /// The next block in order; nil when there is none or one has failed.
  ///
  /// Blocks before the one that failed are all taken already, and are finished: so the error that is told
  /// does not depend on chance.
  func nextBlock(of count: Int) -> Int? {
    guard !hasFailed.load(ordering: .relaxed) else { return nil }
    let block = next.add(1, ordering: .relaxed).oldValue
    return block < count ? block : nil
  }

  func add(_ bytes: Int) -> Int { done.add(bytes, ordering: .relaxed).newValue }

  func fail(_ error: any Error, block: Int) {
    hasFailed.store(true, ordering: .relaxed)
    failure.withLock { failure in
      if failure == nil || block < failure?.block ?? Int.max { failure = (block, error) }
    }
  }

  var error: (any Error)? { failure.withLock { $0?.error } }
}
