package import Plotting

extension NumberText {
  /// A number in four digits, for lines that people look at.
  package static func short(_ value: Double) -> String { text(value, significantDigits: 4) }
}
