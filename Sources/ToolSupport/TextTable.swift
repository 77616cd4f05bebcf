import TensorCore

/// Columns of text, aligned for a terminal.
package enum TextTable {
  /// A line for each row, without spaces at its end; the columns are two spaces apart.
  ///
  /// - Parameter leftAligned: the columns that start at the left; numbers end at the right.
  package static func lines(_ rows: [[String]], leftAligned: Set<Int>) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    let parts = rows.parts(of: rowCountOfThread)
    // Each text is measured once.
    let measured = concurrentMap(parts) { part in measure(part, columnCount) }
    let widths = (0..<columnCount).map { column in measured.map { $0.widths[column] }.max() ?? 0 }
    let alignments = (0..<columnCount).map { leftAligned.contains($0) }
    return concurrentMap(Array(zip(parts, measured))) { part, measured in
      lines(of: part, textWidths: measured.textWidths, widths, alignments)
    }.flatMap { $0 }
  }

  /// Tables have tens of thousands of rows.
  private static let rowCountOfThread = 4096

  /// The widths of all texts, and of the columns.
  private static func measure(_ rows: ArraySlice<[String]>, _ columnCount: Int) -> (
    textWidths: [Int], widths: [Int]
  ) {
    var widths = [Int](repeating: 0, count: columnCount)
    var textWidths: [Int] = []
    textWidths.reserveCapacity(rows.count * columnCount)
    for row in rows {
      for (column, text) in row.enumerated() {
        let width = ColumnWidth.of(text)
        textWidths.append(width)
        widths[column] = max(widths[column], width)
      }
    }
    return (textWidths, widths)
  }

  private static func lines(
    of rows: ArraySlice<[String]>, textWidths: [Int], _ widths: [Int], _ isLeftAligned: [Bool]
  ) -> [String] {
    var line: [UInt8] = []
    var next = 0
    return rows.map { row in
      line.removeAll(keepingCapacity: true)
      for (column, text) in row.enumerated() {
        if column > 0 { line.append(contentsOf: [space, space]) }
        let padding = repeatElement(space, count: widths[column] - textWidths[next])
        next += 1
        if !isLeftAligned[column] { line.append(contentsOf: padding) }
        line.append(contentsOf: text.utf8)
        if isLeftAligned[column] { line.append(contentsOf: padding) }
      }
      let end = line.lastIndex { $0 != space }.map { $0 + 1 } ?? 0
      return String(decoding: line[..<end], as: UTF8.self)
    }
  }

  private static let space = UInt8(ascii: " ")

}
