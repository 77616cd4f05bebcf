import FileIO
import JSONText

/// How far a trainer is, as the last JSON object of its output says: `{"iteration": 900, "loss": 0.31}`.
public struct TrainingProgress: Sendable, Hashable {
  /// The iteration of the whole training.
  public let iteration: Int?
  /// The loss.
  public let loss: Double?

  /// Looks at the end of a log; nil when it has no such object.
  public init?(_ folder: AttemptFolder) {
    self.init(log: SmallFile.tail(folder.log, count: 8192))
  }

  init?(log: [UInt8]) {
    for piece in PrintedObjects.pieces(of: log).reversed() {
      guard let progress = TrainingProgress(piece: piece) else { continue }
      self = progress
      return
    }
    return nil
  }

  /// Reads the last object of a piece; nil when it has neither an iteration nor a loss.
  init?(piece: ArraySlice<UInt8>) {
    guard let json = PrintedObjects.last(in: piece) else { return nil }
    iteration = json["iteration"]?.double.flatMap { Int(exactly: $0.rounded()) }
    loss = json["loss"]?.double.flatMap { $0.isFinite ? $0 : nil }
    if iteration == nil && loss == nil { return nil }
  }
}
