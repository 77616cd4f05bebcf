import Glibc
import SystemPackage

/// The processes of this system, as far as this process sees them, at one moment.
public struct ProcessTable {
  private let records: [ProcessRecord]

  /// Looks at all processes.
  public init() {
    let numbers = ((try? Folder.names(in: "/proc")) ?? []).compactMap { Int32($0) }
    records = numbers.compactMap { ProcessRecord($0) }
  }

  /// The children of a process, their children and so on, without those that have ended.
  public func descendants(of process: Int32) -> [ProcessIdentity] {
    identities(of: below(process).filter(\.isAlive))
  }

  /// How long the descendants of a process have used processors, also those that have ended, in seconds.
  public func processorSeconds(below process: Int32) -> Double {
    let collected = records.first { $0.number == process }?.childTicks ?? 0
    let ticks = below(process).reduce(collected) { $0 + $1.ownTicks + $1.childTicks }
    return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// The processes that have this entry in the environment that they were started with, without this one.
  ///
  /// It is inherited, whatever sessions and groups a process leads. Processes of other users do not show theirs.
  public func marked(_ entry: String) -> [ProcessIdentity] {
    let own = getpid()
    return identities(
      of: records.filter { record in
        guard record.isAlive, record.number != own,
          let environment = SystemText.read("/proc/\(record.number)/environ")
        else { return false }
        return environment.split(separator: "\0").contains(Substring(entry))
      })
  }

  private func below(_ process: Int32) -> [ProcessRecord] {
    let children = Dictionary(grouping: records, by: \.parent)
    var (found, next) = ([ProcessRecord](), [process])
    while let parent = next.popLast() {
      let more = children[parent] ?? []
      found += more
      next += more.map(\.number)
    }
    return found
  }

  private func identities(of records: [ProcessRecord]) -> [ProcessIdentity] {
    records.map { ProcessIdentity(here: $0.number, start: $0.start) }
  }
}

/// What the system tells of a process.
struct ProcessRecord {
  let number: Int32
  let state: Substring
  let parent: Int32
  let start: UInt64
  /// The processor time of the process, in the system's ticks.
  let ownTicks: Int
  /// That of its children that have ended and were collected, with what they had collected.
  let childTicks: Int

  /// Whether it has not ended.
  var isAlive: Bool { state != "Z" && state != "X" }

  init?(_ number: Int32) {
    guard let text = SystemText.read("/proc/\(number)/stat"), let end = text.lastIndex(of: ")")
    else { return nil }
    // The name is in parentheses and may hold anything; the state is the first field after it.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let parent = Int32(fields[1]), let start = UInt64(fields[19]) else {
      return nil
    }
    self.number = number
    state = fields[0]
    self.parent = parent
    self.start = start
    ownTicks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    childTicks = (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
  }
}

/// Files of the system, which have no size that is known before.
enum SystemText {
  /// The text without the last line end; nil when it cannot be read.
  static func read(_ path: String) -> String? {
    guard
      let descriptor = try? FileDescriptor.open(
        FilePath(path), .readOnly, options: [.closeOnExec])
    else { return nil }
    defer { try? descriptor.close() }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while result.count < 1 << 20 {
      let count = unsafe block.withUnsafeMutableBytes { memory in
        (try? unsafe descriptor.read(into: memory)) ?? 0
      }
      if count <= 0 { break }
      result += block[..<count]
    }
    let text = String(decoding: result, as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}
