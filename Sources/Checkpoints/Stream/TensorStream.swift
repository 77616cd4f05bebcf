import Synchronization
import TensorCore

/// Computes tensors block by block from what is read.
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
    let program = program
    let disagreeing = Mutex<Set<Int>>([])
    let loop = BlockLoop(
      blockCount: program.blockCount, byteCount: program.byteCount, options: options,
      maximumThreads: program.affordableThreads, onFailure: { sink.stop() })
    try loop.run { [options] takeBlocks in
      let worker = BlockWorker(program, options)
      takeBlocks { try worker.process($0, into: sink) }
      disagreeing.withLock { $0.formUnion(worker.disagreeing) }
    }
    return StreamReport(
      disagreeing: disagreeing.withLock { $0.sorted() }.map {
        program.weights.tensors[$0].info.name
      })
  }
}
