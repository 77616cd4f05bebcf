/// A table of comma-separated values (RFC 4180), with a line of names above it or not.
struct CSVTable {
  /// The names of the columns; nil when the first line has numbers.
  let names: [String]?
  /// The fields of each line, and its number.
  let lines: [(number: Int, fields: [String])]

  private let label: String

  /// - Throws: `TrainingError` for bytes that are no text, and lines of different lengths.
  init(_ bytes: [UInt8], label: String) throws(TrainingError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .badInput("\(label): the file is not UTF-8 text")
    }
    self.label = label
    var lines: [(number: Int, fields: [String])] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated() where !line.allSatisfy(\.isWhitespace)
    {
      let fields = try CSVTable.fields(line, place: "\(label): line \(index + 1)")
      if let first = lines.first, first.fields.count != fields.count {
        throw .badInput(
          "\(label): line \(index + 1): expected \(first.fields.count) fields as in line "
            + "\(first.number), found \(fields.count)")
      }
      lines.append((index + 1, fields))
    }
    let hasNames = lines.first.map { $0.fields.allSatisfy { Double($0) == nil } } ?? false
    names = hasNames ? lines[0].fields : nil
    self.lines = hasNames ? Array(lines.dropFirst()) : lines
    guard !self.lines.isEmpty else { throw .badInput("\(label): there are no lines of values") }
  }

  private static func fields(_ line: Substring, place: String) throws(TrainingError) -> [String] {
    guard line.contains("\"") else {
      return line.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed }
    }
    var fields: [String] = []
    var field = ""
    var isQuoted = false
    var wasQuote = false
    for character in line {
      if character == "\"" {
        // Two quotes within quotes stand for one.
        if !isQuoted && wasQuote { field.append("\"") }
        isQuoted.toggle()
        wasQuote = !isQuoted
      } else if character == "," && !isQuoted {
        fields.append(field[...].trimmed)
        field = ""
        wasQuote = false
      } else {
        field.append(character)
        wasQuote = false
      }
    }
    guard !isQuoted else { throw .badInput("\(place): a quoted field does not end") }
    return fields + [field[...].trimmed]
  }

  /// All columns but one as features, that one as labels: numbers, or names in alphabetical order.
  ///
  /// - Parameter column: the name or, from 1 on, the number of the column of labels; nil for the last.
  /// - Throws: `TrainingError` for a column that is not there and fields that are no numbers.
  func dataSet(labelColumn column: String?) throws(TrainingError) -> DataSet {
    let labelIndex = try index(of: column)
    let texts = lines.map { $0.fields[labelIndex] }
    let classes = try classNames(texts, labelIndex)
    let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
    var set = try DataSet(
      features: try features(leavingOut: labelIndex), labels: texts.map { numbers[$0] ?? 0 },
      featureCount: lines[0].fields.count - 1, classCount: classes.count)
    set.classNames = classes
    return set
  }

  /// All columns as features.
  ///
  /// - Throws: `TrainingError` for fields that are no numbers.
  func features(leavingOut column: Int? = nil) throws(TrainingError) -> [Float] {
    var features: [Float] = []
    for (number, fields) in lines {
      for (index, field) in fields.enumerated() where index != column {
        guard let value = Float(field), value.isFinite else {
          throw .badInput(
            "\(label): line \(number), column \(index + 1): expected a number, found '\(field)'")
        }
        features.append(value)
      }
    }
    return features
  }

  private func index(of column: String?) throws(TrainingError) -> Int {
    let count = lines[0].fields.count
    guard let column else { return count - 1 }
    if let index = names?.firstIndex(of: column) { return index }
    if let number = Int(column), (1...count).contains(number) { return number - 1 }
    throw .usage(
      "\(label): there is no column '\(column)'",
      hint: names.map { "the columns are \($0.joined(separator: ", "))" }
        ?? "the columns have numbers from 1 to \(count)")
  }

  /// The different labels, as numbers in the order of numbers when all are.
  private func classNames(_ texts: [String], _ column: Int) throws(TrainingError) -> [String] {
    let different = Set(texts)
    guard different.count > 1 else {
      throw .badInput("\(label): column \(column + 1): all labels are '\(texts[0])'")
    }
    guard different.count <= CSVTable.maximumClassCount else {
      throw .badInput(
        "\(label): column \(column + 1) has \(different.count) different values: these are no classes",
        hint: "say with --label which column has the labels")
    }
    let numbers = different.compactMap { Double($0) }
    return different.sorted {
      if numbers.count == different.count, let left = Double($0), let right = Double($1),
        left != right
      {
        return left < right
      }
      return Array($0.utf8).lexicographicallyPrecedes($1.utf8)
    }
  }

  private static let maximumClassCount = 10_000
}

extension Substring {
  /// Without spaces around it.
  fileprivate var trimmed: String {
    let start = drop { $0 == " " || $0 == "\t" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
