import Checkpoints
import FileIO
import SystemPackage
import TensorCore
import WeightAveraging
import WeightDistance

/// Averages checkpoints of a run: block by block, so that the members' weights need no room in memory.
struct EpisodeAverage {
  /// What becomes of the running statistics of batch normalisation.
  let batchNorm: AlignmentPolicy.BatchNorm
  /// What becomes of integers that differ; nil takes counters of the first member and refuses what may be codes.
  let integers: AlignmentPolicy.Integers?
  /// Asked between blocks: the signal that should end the work.
  let interruption: @Sendable () -> Int32?

  /// A checkpoint, and what the journal says is in it; nil when the journal does not say it.
  struct Input {
    let path: FilePath
    let sha256: String?
  }

  /// Writes the average of checkpoints; what has the name is replaced.
  ///
  /// - Throws: `RunError` for a checkpoint that is not what the journal says, errors of checkpoints, files and the
  ///   stream.
  func write(_ inputs: [Input], weights: [Double]?, to path: FilePath) throws -> OutputDigest {
    let method = try LinearAverage(weights: weights, inputCount: inputs.count)
    return try write(inputs, by: method, to: path)
  }

  /// Writes the moving average after one more checkpoint.
  func write(_ state: Input, then next: Input, decay: Double, to path: FilePath) throws
    -> OutputDigest
  {
    let method = try ExponentialMovingAverage(decay: decay, updateCount: 1)
    return try write([state, next], by: method, narrowestDType: .float32, to: path)
  }

  /// The number of tensors of an optimizer's state in a checkpoint, which averages leave out.
  static func optimizerTensorCount(in reader: CheckpointReader) throws -> Int {
    var policy = AlignmentPolicy()
    policy.optimizer = .drop
    return try MergePlan([reader.weights], labels: ["init"], policy: policy).optimizerTensors.count
  }

  /// - Parameter narrowestDType: for what is added to in every episode, which 16 bits would round away.
  private func write(
    _ inputs: [Input], by method: some MergeMethod, narrowestDType: DType? = nil,
    to path: FilePath
  ) throws -> OutputDigest {
    let takesStructure = CheckpointFormats.takesStructure(output: path)
    let readers = try EpisodeAverage.open(inputs, givesStructure: takesStructure)
    var policy = AlignmentPolicy()
    // What starts an episode is weights only.
    policy.optimizer = .drop
    policy.batchNorm = batchNorm
    policy.integers = integers
    policy.narrowestDType = narrowestDType
    let plan = try MergePlan(
      readers.map(\.weights), labels: inputs.map(\.path.string), policy: policy)
    let weights = try plan.weights { try method.recurrence(inputs: $0) }.recording(nil)
    let digest = try write(weights, like: readers[0], to: path)
    try EpisodeAverage.check(readers, inputs, removing: [path])
    return digest
  }

  /// Opens checkpoints, and sums up what is read of those that will be compared.
  private static func open(_ inputs: [Input], givesStructure: Bool = false) throws
    -> [CheckpointReader]
  {
    let readers = try CheckpointReader.open(
      inputs.map(\.path), options: ReadingOptions(givesStructure: givesStructure))
    for (reader, input) in zip(readers, inputs) where input.sha256 != nil {
      for file in reader.files { file.observeReads() }
    }
    return readers
  }

  /// Compares what was read with what the journal says; what was made of something else goes again.
  private static func check(
    _ readers: [CheckpointReader], _ inputs: [Input], removing outputs: [FilePath]
  ) throws {
    do {
      for (reader, input) in zip(readers, inputs) {
        if let digest = input.sha256 { try CheckedContents.check(asRead: reader, sha256: digest) }
      }
    } catch {
      for output in outputs { Folder.removeAll(output) }
      throw error
    }
  }

  /// Writes for each member the state that it starts the next episode from: floating tensors are averaged,
  /// integers and random state are its own.
  func writeStates(_ inputs: [Input], weights: [Double]?, to outputs: [FilePath]) throws
    -> [OutputDigest]
  {
    let readers = try EpisodeAverage.open(inputs)
    let method = try LinearAverage(weights: weights, inputCount: inputs.count)
    var policy = AlignmentPolicy()
    policy.optimizer = .average
    // In one order for all, so that every member has the same bits.
    let plan = try MergePlan(
      readers.map(\.weights), labels: inputs.map(\.path.string), policy: policy)
    let averages = try plan.weights { try method.recurrence(inputs: $0) }
    let digests = try zip(readers, outputs).map { reader, output in
      let tensors = reader.weights.tensors.map { own in
        guard own.info.dtype.isAveraged else { return own }
        return averages[own.info.name] ?? own
      }
      let mixed = try WeightMap(tensors, metadata: reader.weights.metadata)
      return try write(mixed, like: reader, to: output)
    }
    try EpisodeAverage.check(readers, inputs, removing: outputs)
    return digests
  }

  /// How the models of an episode lie to each other.
  struct Spread {
    let distances: JournalEvent.Distances
    /// The first two members whose weights are the same, counted from 1; nil when all differ.
    let equalMembers: (first: Int, second: Int)?
  }

  /// How far the members of an episode lie apart, in one pass over all of them.
  ///
  /// - Returns: nil when there is nothing to compare.
  func distances(
    members: [FilePath], average: FilePath, episodeStart: FilePath, runStart: FilePath
  ) throws -> Spread? {
    let readers = try CheckpointReader.open(members + [average, runStart, episodeStart])
    let (models, base) = (readers.dropLast().map(\.weights), readers[readers.count - 1].weights)
    var options = DistanceOptions()
    options.measuresSpread = false
    let report: DistanceReport
    do {
      report = try WeightMap.distances(
        among: models, base: base, options: options,
        stream: StreamOptions(interruption: interruption))
    } catch is DistanceError {
      return nil
    }
    let count = members.count
    let pairs = (0..<count).flatMap { second in
      (0..<second).map { first in
        (first: first, second: second, distance: report.distance(between: first, and: second))
      }
    }
    let sum = pairs.reduce(0) { $0 + $1.distance }
    let fromStart = report.distancesFromBase().prefix(count)
    let equal = pairs.first { $0.distance == 0 }
    return Spread(
      distances: JournalEvent.Distances(
        amongMembers: pairs.isEmpty ? nil : sum / Double(pairs.count),
        fromEpisodeStart: fromStart.reduce(0, +) / Double(count),
        fromRunStart: report.distance(between: count, and: count + 1)),
      equalMembers: equal.map { ($0.first + 1, $0.second + 1) })
  }

  private func write(_ weights: WeightMap, like reader: CheckpointReader, to path: FilePath) throws
    -> OutputDigest
  {
    var request = OutputRequest(
      path: path, form: reader.folder == nil ? .file : .folder, existing: .replace)
    request.take(from: reader)
    let options = StreamOptions(interruption: interruption)
    _ = try PreparedOutput(weights, to: request).write(options)
    return try OutputDigest(of: path)
  }
}
