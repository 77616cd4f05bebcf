import JSONText

/// What a line of a journal is.
enum JournalLine {
  case event(JournalEvent, time: Double)
  /// A line without text, which an editor may have added.
  case blank
  /// An event, or a task, of a later version: it is intact, but nothing follows from it here.
  case unknown
  /// Not a record, or one that lacks what it must say.
  case damaged

  /// Reads a line, without what ends it.
  init(_ bytes: ArraySlice<UInt8>) {
    if bytes.allSatisfy({ " \t\r".utf8.contains($0) }) {
      self = .blank
      return
    }
    guard let json = try? JSONValue(parsing: Array(bytes)), let time = json["time"]?.double,
      let name = json["event"]?.string
    else {
      self = .damaged
      return
    }
    if let event = JournalEvent(json) {
      self = .event(event, time: time)
    } else {
      self = JournalLine.isKnown(name, json) ? .damaged : .unknown
    }
  }

  /// Whether this version has such events of such tasks, so that a line that cannot be understood is damaged.
  private static func isKnown(_ event: String, _ json: JSONValue) -> Bool {
    guard JournalEvent.names.contains(event) else { return false }
    if let task = json["task"]?.string, let episode = json["episode"]?.integer {
      return RunTask(episode: episode, name: task) != nil
    }
    if let subject = json["subject"]?.string { return RunTask.Subject(name: subject) != nil }
    return true
  }
}

/// The complete lines of a journal with their numbers, counted from 1.
struct JournalLines: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var start: Int
  private var number = 0

  /// Reads bytes; those of a mark that editors put in front of texts do not count.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  mutating func next() -> (number: Int, line: ArraySlice<UInt8>)? {
    guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { start = end + 1 }
    number += 1
    return (number, bytes[start..<end])
  }
}
