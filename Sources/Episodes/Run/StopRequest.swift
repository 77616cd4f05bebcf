import FileIO
import Glibc
import Synchronization
import SystemPackage

/// The file by which a run is stopped from anywhere its folder is seen.
public final class StopRequest: Sendable {
  private let path: FilePath
  private let state = Mutex((isMade: false, lastLook: SuspendingClock.now))

  init(_ run: FilePath) { path = RunFolder.stop(in: run) }

  /// Whether somebody has asked the run to stop; the file is looked for a few times a second.
  public var isMade: Bool {
    state.withLock { state in
      let now = SuspendingClock.now
      if !state.isMade, now - state.lastLook >= .milliseconds(200) {
        state = (FileStatus(ofLink: path) != nil, now)
      }
      return state.isMade
    }
  }

  /// Takes it away: it has been obeyed, or was meant for an earlier runner.
  func remove() { Folder.removeAll(path) }
}
