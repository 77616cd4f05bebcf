/// Which part of a file is read, where formats hold more than weights.
public struct ReadingOptions: Sendable, Hashable {
  /// The dotted path of the part of a PyTorch file that holds the weights; `.` for all of it; nil to find it.
  public var key: String?
  /// Whether the averages that training kept are read rather than the weights.
  public var usesAverage: Bool
  /// Whether objects of classes that are not understood are an error rather than left out.
  public var isStrict: Bool

  /// Reads the weights, wherever they are.
  public init(key: String? = nil, usesAverage: Bool = false, isStrict: Bool = false) {
    self.key = key
    self.usesAverage = usesAverage
    self.isStrict = isStrict
  }

  /// Whether a part of a file is asked for, rather than the file.
  public var choosesPart: Bool { usesAverage || key.map { $0 != "." } ?? false }

  /// Whether anything is asked for.
  public var isDefault: Bool { self == ReadingOptions() }
}
