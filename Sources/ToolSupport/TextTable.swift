/// Columns of text, aligned for a terminal.
package enum TextTable {
  /// A line for each row; the columns are two spaces apart.
  ///
  /// - Parameter leftAligned: the columns that start at the left; numbers end at the right.
  package static func lines(_ rows: [[String]], leftAligned: Set<Int>) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return leftAligned.contains(column) ? text + padding : padding + text
      }.joined(separator: "  ")
    }
  }
}
