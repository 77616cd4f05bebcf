import FileIO
import Glibc
import SystemPackage

/// Whether an attempt does anything: it writes to its log or into its folder, at any depth, or uses a processor.
struct SignsOfLife {
  /// The part of one processor that counts: less is what programs use that only wait.
  private static let leastProcessor = 0.05

  /// How often it is worth looking, in seconds.
  let step: Double
  private let folder: AttemptFolder
  private let limit: Duration
  private var traces = ""
  private var processorSeconds = 0.0
  private var lastLook = SuspendingClock.now
  private var lastSign = SuspendingClock.now

  init(_ folder: AttemptFolder, limit: Duration) {
    self.folder = folder
    self.limit = limit
    step = min(30, max(0.2, limit.secondCount / 8))
  }

  /// Looks for signs when it is time to; whether there was none for too long.
  mutating func isOver() -> Bool {
    let now = SuspendingClock.now
    let elapsed = (now - lastLook).secondCount
    if elapsed >= step {
      lastLook = now
      var digest = SHA256()
      trace(folder.path, into: &digest)
      let found = digest.finalized()
      let used = ProcessTable().processorSeconds(below: getpid())
      if found != traces || used - processorSeconds > SignsOfLife.leastProcessor * elapsed {
        lastSign = now
      }
      (traces, processorSeconds) = (found, used)
    }
    return now - lastSign > limit
  }

  /// What changes when a file in a folder does; links are not followed.
  private func trace(_ path: FilePath, into digest: inout SHA256) {
    // The supervisor's own file says that the supervisor lives.
    guard path != folder.process, let status = FileStatus(ofLink: path) else { return }
    digest.update(Array(status.versionText.utf8))
    guard status.kind == .folder else { return }
    for component in (try? Folder.components(in: path)) ?? [] {
      trace(path.appending(component), into: &digest)
    }
  }
}
