/// Columns of text, aligned for a terminal.
package enum TextTable {
  /// A line for each row; the columns are two spaces apart.
  ///
  /// - Parameter leftAligned: the columns that start at the left; numbers end at the right.
  package static func lines(_ rows: [[String]], leftAligned: Set<Int>) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.reduce(0) { column < $1.count ? max($0, width(of: $1[column])) : $0 }
    }
    return rows.map { row in
      var line = ""
      line.reserveCapacity(widths.reduce(0) { $0 + $1 + 2 })
      for (column, text) in row.enumerated() {
        if column > 0 { line += "  " }
        let padding = String(repeating: " ", count: widths[column] - width(of: text))
        let isLeft = leftAligned.contains(column)
        line += isLeft ? text : padding
        line += isLeft ? padding : text
      }
      return line
    }
  }

  /// The number of characters; of most texts that is the number of bytes, which is known at once.
  private static func width(of text: String) -> Int {
    text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.count
  }
}
