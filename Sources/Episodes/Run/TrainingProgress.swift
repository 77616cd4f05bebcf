import FileIO
import JSONText

/// How far a trainer is, as the last JSON line of its output says: `{"iteration": 900, "loss": 0.31}`.
public struct TrainingProgress: Sendable, Hashable {
  /// The iteration of the whole training.
  public let iteration: Int?
  /// The loss.
  public let loss: Double?

  /// Looks at the end of a log; nil when it has no such line.
  public init?(_ folder: AttemptFolder) {
    self.init(log: SmallFile.tail(folder.log, count: 8192))
  }

  init?(log: [UInt8]) {
    let newline = UInt8(ascii: "\n")
    for line in log.split(separator: newline).reversed() where line.first == UInt8(ascii: "{") {
      guard let json = try? JSONValue(parsing: Array(line), acceptsPythonNumbers: true) else {
        continue
      }
      let iteration = json["iteration"]?.double.flatMap { Int(exactly: $0.rounded()) }
      let loss = json["loss"]?.double.flatMap { $0.isFinite ? $0 : nil }
      if iteration == nil && loss == nil { continue }
      self.iteration = iteration
      self.loss = loss
      return
    }
    return nil
  }
}
