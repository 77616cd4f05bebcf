/// Columns of text, aligned for a terminal.
package enum TextTable {
  /// A line for each row, without spaces at its end; the columns are two spaces apart.
  ///
  /// - Parameter leftAligned: the columns that start at the left; numbers end at the right.
  package static func lines(_ rows: [[String]], leftAligned: Set<Int>) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    var widths = [Int](repeating: 0, count: columnCount)
    // Tables have tens of thousands of rows: each text is measured once.
    var textWidths: [Int] = []
    for row in rows {
      for (column, text) in row.enumerated() {
        let width = width(of: text)
        textWidths.append(width)
        widths[column] = max(widths[column], width)
      }
    }
    let alignments = (0..<columnCount).map { leftAligned.contains($0) }
    var line: [UInt8] = []
    var next = 0
    return rows.map { row in
      line.removeAll(keepingCapacity: true)
      for (column, text) in row.enumerated() {
        if column > 0 { line.append(contentsOf: [space, space]) }
        let padding = repeatElement(space, count: widths[column] - textWidths[next])
        next += 1
        if !alignments[column] { line.append(contentsOf: padding) }
        line.append(contentsOf: text.utf8)
        if alignments[column] { line.append(contentsOf: padding) }
      }
      let end = line.lastIndex { $0 != space }.map { $0 + 1 } ?? 0
      return String(decoding: line[..<end], as: UTF8.self)
    }
  }

  private static let space = UInt8(ascii: " ")

  /// The number of characters; of most texts that is the number of bytes, which is known at once.
  private static func width(of text: String) -> Int {
    text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.count
  }
}
