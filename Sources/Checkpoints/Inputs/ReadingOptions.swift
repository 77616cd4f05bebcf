/// Which part of a file is read, where formats hold more than weights.
public struct ReadingOptions: Sendable, Hashable {
  /// The dotted path of the part of a PyTorch file that holds the weights; `.` for all of it; nil to find it.
  public var key: String?
  /// Whether the averages that training kept are read rather than the weights.
  public var usesAverage: Bool
  /// Whether objects of classes that are not understood are an error rather than left out.
  public var isStrict: Bool

  /// Whether other copies of the model that a PyTorch file holds beside the weights, such as moving averages, are
  /// read with them, so that they can be merged, too.
  public var takesCopies = false

  /// Whether an output may get its structure from the file: what that takes is kept ready.
  ///
  /// Without it, such an output takes a little longer. Of several inputs, only the first keeps anything.
  public var givesStructure: Bool

  /// Reads the weights, wherever they are.
  public init(
    key: String? = nil, usesAverage: Bool = false, isStrict: Bool = false,
    givesStructure: Bool = false
  ) {
    self.key = key
    self.usesAverage = usesAverage
    self.isStrict = isStrict
    self.givesStructure = givesStructure
  }

  /// Whether a part of a file is asked for, rather than the file.
  public var choosesPart: Bool { usesAverage || key.map { $0 != "." } ?? false }

  /// Whether the weights are read as any format has them.
  public var isDefault: Bool { key == nil && !usesAverage }
}
