import FileIO
import Plotting
import SystemPackage

/// Event files for TensorBoard: one folder for each line of a chart, which is the average, the moving average
/// or a member.
///
/// A file is a sequence of records (the length, a checksum of it, the data, a checksum of them), each of which
/// holds an `Event` of tensorflow/core/util/event.proto in the encoding of protocol buffers.
struct TensorBoardLog {
  private var files: [RunTask.Subject: AppendOnlyFile] = [:]
  private let metric: String
  /// The last one that is written; 0 is the start.
  private var lastEpisode = -1

  /// Writes what a run's history tells so far; the same history gives the same bytes.
  init(_ folder: FilePath, plan: Plan, history: RunHistory) throws {
    metric = plan.evaluate?.metric ?? "metric"
    var subjects: [RunTask.Subject] = [.average] + (1...plan.members).map { .member($0) }
    if plan.ema != .off { subjects.append(.ema) }
    for subject in subjects {
      let path = folder.appending(subject.name)
      try Folder.createAll(path)
      let file = try AppendOnlyFile(
        replacing: path.appending("events.out.tfevents.0000000000.imwa"))
      try file.append(
        TensorBoardLog.record(
          TensorBoardLog.event(time: history.startTime, step: nil, version: "brain.Event:2")))
      files[subject] = file
    }
    // The last one may still have to be measured.
    try update(history, through: history.lastComplete - 1)
  }

  /// Adds the episodes up to one that is measured.
  mutating func update(_ history: RunHistory, through last: Int) throws {
    guard last > lastEpisode else { return }
    for number in lastEpisode + 1...last {
      for (subject, file) in files.sorted(by: { $0.key.name < $1.key.name }) {
        let episode = history.episodes[number] ?? RunHistory.Episode()
        let values = values(subject, episode)
        if values.isEmpty { continue }
        try file.append(
          TensorBoardLog.record(
            TensorBoardLog.event(
              time: episode.ended ?? history.lastTime, step: number, values: values)))
      }
    }
    lastEpisode = last
  }

  private func values(_ subject: RunTask.Subject, _ episode: RunHistory.Episode) -> [(
    tag: String, value: Double
  )] {
    var values: [(tag: String, value: Double)] = []
    if let measured = episode.metrics.first(where: { $0.subject == subject }) {
      values = measured.all.sorted { $0.key < $1.key }
        .map { ($0.key.replacing(".", with: "/"), $0.value) }
    }
    switch subject {
    case .average:
      if let average = episode.average, average.episode > 0 {
        values.append(("seconds/averaging", average.seconds))
        if let distances = average.distances {
          if let among = distances.amongMembers { values.append(("l2/members", among)) }
          values.append(("l2/episode_start", distances.fromEpisodeStart))
          values.append(("l2/run_start", distances.fromRunStart))
        }
      }
    case .member(let number):
      if let task = episode.tasks["member-\(number)"] {
        if let loss = task.loss { values.append(("training/loss", loss)) }
        if let seconds = task.seconds { values.append(("seconds/training", seconds)) }
      }
    case .ema: break
    }
    return values
  }

  // MARK: - Bytes

  /// A record around data.
  static func record(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(UInt64(data.count), count: 8)
    return length + checksum(length) + data + checksum(data)
  }

  static func event(
    time: Double, step: Int?, version: String? = nil, values: [(tag: String, value: Double)] = []
  ) -> [UInt8] {
    var event = [0x09] + bytes(time.bitPattern, count: 8)
    if let step { event += [0x10] + number(UInt64(step)) }
    if let version { event += field(3, Array(version.utf8)) }
    if !values.isEmpty {
      let summary = values.flatMap { tag, value in
        field(
          1,
          field(1, Array(tag.utf8)) + [0x15] + bytes(UInt64(Float(value).bitPattern), count: 4))
      }
      event += field(5, summary)
    }
    return event
  }

  /// A field of bytes with their number before them.
  private static func field(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
    [field << 3 | 2] + number(UInt64(content.count)) + content
  }

  private static func number(_ value: UInt64) -> [UInt8] {
    var (result, rest) = ([UInt8](), value)
    while rest >= 0x80 {
      result.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  private static func bytes(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  /// CRC-32C, rotated and shifted so that checksums of checksums are no trap.
  private static func checksum(_ data: [UInt8]) -> [UInt8] {
    var crc = UInt32.max
    for byte in data { crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8) }
    crc = ~crc
    let masked = (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    return bytes(UInt64(masked), count: 4)
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }
}
