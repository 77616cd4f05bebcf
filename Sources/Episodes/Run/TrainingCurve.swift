import FileIO
import JSONText
import SystemPackage

/// The losses that a trainer printed in an episode, thinned so that a run of any length keeps a few thousand.
public struct TrainingCurve: Sendable, Hashable {
  /// A loss after so many iterations of the whole training.
  public struct Point: Sendable, Hashable {
    /// The iteration.
    public let iteration: Int
    /// The loss.
    public let loss: Double
  }

  /// The points, in the order of the output.
  public private(set) var points: [Point] = []
  /// The last loss of the whole output.
  public private(set) var lastLoss: Double?
  private let limit: Int
  /// Every so many points one is kept.
  private var step = 1
  private var count = 0

  /// How much of a log is read: its end.
  private static let maximumLength = 16 << 20
  private static let chunkLength = 1 << 20

  /// A curve of nothing that keeps at most `limit` points, and the last one.
  init(limit: Int) { self.limit = max(limit, 2) }

  /// The points that one attempt of a run may keep.
  static func limit(for plan: Plan) -> Int {
    min(100, max(2, 8000 / (plan.episodes * plan.members)))
  }

  /// Reads the log of an attempt; a piece that is longer than a chunk is not looked at.
  init(log: FilePath, limit: Int) {
    self.init(limit: limit)
    guard let file = try? ReadableFile(log) else { return }
    var start = max(0, file.size - TrainingCurve.maximumLength)
    var open: [UInt8] = []
    while start < file.size {
      let end = min(start + TrainingCurve.chunkLength, file.size)
      guard let bytes = try? file.bytes(in: start..<end) else { return }
      open = add(open + bytes, isEnd: end == file.size)
      start = end
    }
  }

  /// Adds the complete pieces of an output; returns what follows the last of them.
  private mutating func add(_ bytes: [UInt8], isEnd: Bool) -> [UInt8] {
    let newline = bytes.lastIndex(of: UInt8(ascii: "\n"))
    let end = isEnd ? bytes.endIndex : newline ?? bytes.startIndex
    for piece in PrintedObjects.pieces(of: Array(bytes[..<end])) {
      guard let progress = TrainingProgress(piece: piece), let loss = progress.loss else {
        continue
      }
      lastLoss = loss
      if let iteration = progress.iteration { add(Point(iteration: iteration, loss: loss)) }
    }
    let rest = bytes[end...]
    return rest.count > TrainingCurve.chunkLength ? [] : Array(rest)
  }

  /// Adds a point; when there are too many, every second one goes.
  mutating func add(_ point: Point) {
    // The last one stays, wherever it falls.
    if !points.isEmpty, (count - 1) % step != 0 { points.removeLast() }
    points.append(point)
    count += 1
    guard points.count > limit else { return }
    let last = points.count - 1
    points = points.indices.filter { $0 % 2 == 0 || $0 == last }.map { points[$0] }
    step *= 2
  }

  var json: JSONValue {
    .array(points.map { .array([.integer($0.iteration), .float($0.loss)]) })
  }

  /// Reads the points of a journal; nil when they are none.
  init?(_ json: JSONValue?) {
    guard case .array(let elements)? = json else { return nil }
    self.init(limit: elements.count)
    for element in elements {
      guard case .array(let pair) = element, pair.count == 2, let iteration = pair[0].integer,
        let loss = pair[1].double
      else { return nil }
      points.append(Point(iteration: iteration, loss: loss))
    }
    lastLoss = points.last?.loss
  }

  /// Curves are equal when their points are.
  public static func == (first: TrainingCurve, second: TrainingCurve) -> Bool {
    first.points == second.points
  }

  /// Hashes the points.
  public func hash(into hasher: inout Hasher) { hasher.combine(points) }
}
