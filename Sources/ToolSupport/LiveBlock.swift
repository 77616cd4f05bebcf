package import FileIO
import Synchronization

/// Lines at the bottom of a terminal that are drawn over again, under what stays.
///
/// No line is longer than the terminal is wide, and there are never more than fit: what scrolls away could not
/// be drawn over.
package final class LiveBlock: Sendable {
  private let console: Console
  /// The columns of the lines that stand there.
  private let shown = Mutex<[Int]>([])

  /// A block that is not shown yet.
  package init(on console: Console) { self.console = console }

  /// Draws the lines in the place of those before.
  package func draw(_ lines: [String]) {
    let lines = LiveBlock.fitted(
      lines.map(Tool.printable), rows: console.height ?? 24, columns: console.width ?? 80)
    replace(with: lines, shown: lines)
  }

  /// Writes a line that stays; the block is to be drawn again below it.
  package func add(_ line: String) { replace(with: [Tool.printable(line)], shown: []) }

  /// Removes the lines.
  package func clear() { replace(with: [], shown: []) }

  private func replace(with lines: [String], shown next: [String]) {
    shown.withLock { shown in
      let columns = max(1, console.width ?? 80)
      // Nobody is there to be told.
      try? console.write(
        LiveBlock.redrawing(rows: LiveBlock.rows(shown, columns), with: lines, columns: columns))
      shown = next.map(ColumnWidth.of)
    }
  }

  /// How many rows lines of some widths take: a terminal that became narrower shows one in several.
  private static func rows(_ widths: [Int], _ columns: Int) -> Int {
    widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
  }

  /// What draws lines over so many rows above the cursor.
  ///
  /// Rows are erased one by one: what is erased as a whole screen, terminals keep in their scrollback.
  static func redrawing(rows: Int, with lines: [String], columns: Int) -> String {
    let up = rows > 0 ? "\u{1B}[\(rows)A\r" : ""
    let text = lines.map { $0 + "\u{1B}[K\n" }.joined()
    let left = max(0, rows - LiveBlock.rows(lines.map(ColumnWidth.of), columns))
    let erase = left > 0 ? String(repeating: "\u{1B}[2K\n", count: left) + "\u{1B}[\(left)A" : ""
    return up + text + erase
  }

  /// The first lines, cut to the width; the last one that fits says how many are missing.
  static func fitted(_ lines: [String], rows: Int, columns: Int) -> [String] {
    // The cursor stands below the last line.
    let room = max(1, rows - 1)
    var result = lines
    if lines.count > room {
      let kept = max(1, room - 1)
      result = Array(lines.prefix(kept))
      if room > 1 { result.append("  … and \(lines.count - kept) more lines") }
    }
    return result.map { ColumnWidth.prefix($0, columns: max(1, columns - 1)) }
  }
}
