import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// Has a run worked on in the background: by this command in a session of its own, which no terminal ends.
struct DetachedRunner {
  private let folder: FilePath

  /// Works on the run in a folder, which may still have to be started.
  init(_ folder: FilePath) { self.folder = Folder.absolute(folder) }

  /// Starts it, and comes back when it works on the run; what it says up to then is said here.
  ///
  /// - Throws: its exit code when it ends before, `FileError` when it cannot be started.
  func begin(_ tool: Tool) throws {
    try tool.run {
      let isNew = FileStatus(of: folder) == nil
      if isNew, CurrentProcess.arguments.first == "resume" { throw RunError.noRun(folder) }
      try Folder.createAll(folder)
      let log = RunFolder.runnerLog(in: folder)
      let start = FileStatus(of: log)?.size ?? 0
      let child = try ChildProcess(
        [CurrentProcess.program?.string ?? ImwaRun.toolName]
          + CurrentProcess.arguments.filter { $0 != "--detach" },
        environment: CurrentProcess.environment, folder: Folder.absolute("."), output: log,
        errors: log, relation: .ownSession)
      let ending = wait(for: child)
      guard let ending else {
        guard tool.talk == .normal else { return }
        return try Console.output.write(
          Tool.printable(
            "process \(child.number) works on \(folder) in the background, and says how in \(log)")
            + "\n")
      }
      let said = try SmallFile.read(log) ?? []
      try Console.error.write(String(decoding: said.dropFirst(start), as: UTF8.self))
      if isNew, !RunFolder.isStarted(folder) { Folder.removeAll(folder) }
      if case .exited(let code) = ending, code != 0 { throw ExitCode(code) }
    }
  }

  /// How it ended; nil when it works on the run.
  private func wait(for child: ChildProcess) -> ChildProcess.Ending? {
    while true {
      if let ending = child.ending() { return ending }
      let owner = RunOwner(of: folder)
      if owner?.process?.number == child.number, RunFolder.isStarted(folder) { return nil }
      child.waitForEnd(milliseconds: 20)
    }
  }
}
