/// The plan's metric over the episodes of a run.
///
/// A run may go on with another metric: all numbers that an evaluation printed are in the journal, and the one
/// that the plan names now is looked up there.
public struct MetricHistory: Sendable {
  /// A value of the metric.
  public struct Reading: Sendable, Hashable {
    /// The episode; 0 for the start.
    public let episode: Int
    /// Who was measured.
    public let subject: RunTask.Subject
    /// The value.
    public let value: Double
  }

  /// All values, by episode.
  public let readings: [Reading]
  private let mode: Plan.Evaluation.Mode
  private let result: RunTask.Subject

  /// Looks up a metric.
  ///
  /// - Parameters:
  ///   - name: nil for the plan's.
  ///   - mode: whether large or small values are good; nil for the plan's.
  public init(
    _ history: RunHistory, plan: Plan, name: String? = nil, mode: Plan.Evaluation.Mode? = nil
  ) {
    guard let name = name ?? plan.evaluate?.metric else {
      (readings, self.mode, result) = ([], .max, .average)
      return
    }
    self.mode = mode ?? plan.evaluate?.mode ?? .max
    result = plan.ema == .off ? .average : .ema
    readings = history.episodes.sorted { $0.key < $1.key }.flatMap { number, episode in
      episode.metrics.compactMap { metric in
        metric.all[name].map { Reading(episode: number, subject: metric.subject, value: $0) }
      }
    }
  }

  /// The value of the start.
  public var start: Reading? { readings.first { $0.episode == 0 } }

  /// The last value of what the run results in, the average or the moving average; of anything, when that was
  /// not measured.
  public var last: Reading? {
    guard let episode = readings.last(where: { $0.episode > 0 })?.episode else { return nil }
    let values = readings.filter { $0.episode == episode }
    return values.first { $0.subject == result } ?? values.first { $0.subject == .average }
      ?? values.first
  }

  /// The values of averages and moving averages after the start.
  private var candidates: [Reading] {
    readings.filter { reading in
      if case .member = reading.subject { false } else { reading.episode > 0 }
    }
  }

  /// The best value of an average or moving average after the start; the first of equal ones.
  public var best: Reading? {
    candidates.reduce(nil) { best, reading in
      guard let best else { return reading }
      return isBetter(reading.value, than: best.value) ? reading : best
    }
  }

  /// Whether one value is better than another.
  public func isBetter(_ value: Double, than other: Double) -> Bool {
    mode == .max ? value > other : value < other
  }

  /// How many measured episodes have followed the best one.
  public var episodesWithoutGain: Int {
    guard let best else { return 0 }
    return Set(candidates.map(\.episode)).filter { $0 > best.episode }.count
  }
}
