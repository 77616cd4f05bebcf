import Dispatch
import Synchronization
import TensorCore

/// The one place that reads tensors in a loop.
///
/// The output is cut into blocks by file offset, so that work is even whatever the tensors' sizes. Threads
/// take the blocks in order; which thread takes which block changes nothing in the result.
struct TensorStream {
  let program: StreamProgram
  let options: StreamOptions

  init(_ weights: WeightMap, layout: OutputLayout, options: StreamOptions) {
    program = StreamProgram(weights, layout: layout)
    self.options = options
  }

  /// Streams all blocks into `sink`.
  ///
  /// - Throws: the error of the first block that has one, in the order of the output.
  func run(into sink: some BlockSink) throws -> StreamReport {
    let progress = StreamProgress()
    let (program, options) = (program, options)
    let total = program.byteCount
    let threads = max(1, min(options.threads, program.blockCount))
    @Sendable func work() {
      let worker = BlockWorker(program, options)
      while let block = progress.nextBlock(of: program.blockCount) {
        if let signal = options.interruption() {
          progress.fail(StreamError.interrupted(signal), block: -1)
          break
        }
        do {
          options.progress(progress.add(try worker.process(block, into: sink)), total)
        } catch {
          progress.fail(error, block: block)
        }
      }
      progress.report(worker.disagreeing)
    }
    if threads == 1 {
      work()
    } else {
      DispatchQueue.concurrentPerform(iterations: threads) { _ in work() }
    }
    if let error = progress.error { throw error }
    return StreamReport(
      disagreeing: progress.disagreeing.map { program.weights.tensors[$0].info.name })
  }
}

/// What the threads of a stream share.
private final class StreamProgress: Sendable {
  private let next = Atomic<Int>(0)
  private let done = Atomic<Int>(0)
  private let hasFailed = Atomic<Bool>(false)
  private let failure = Mutex<(block: Int, error: any Error)?>(nil)
  private let found = Mutex<Set<Int>>([])

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

  func report(_ disagreeing: Set<Int>) {
    found.withLock { $0.formUnion(disagreeing) }
  }

  var error: (any Error)? { failure.withLock { $0?.error } }
  var disagreeing: [Int] { found.withLock { $0.sorted() } }
}
