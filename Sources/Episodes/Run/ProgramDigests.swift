import FileIO
import SystemPackage

/// The programs and scripts of a plan's commands by what is in them: a change of one while a run is stopped
/// changes what its later episodes do.
enum ProgramDigests {
  /// Larger files are data.
  private static let maximumSize = 64 << 20

  /// The path and the SHA-256 of every program and of every file that is a word of a command.
  ///
  /// What cannot be read is left out: it will be said when the command is run.
  static func of(_ plan: Plan, in folder: FilePath) -> [String: String] {
    var digests: [String: String] = [:]
    for (_, command) in plan.commands {
      var paths = command.plainWords.dropFirst().map { folder.pushing(FilePath($0.text)) }
      if let program = command.program.flatMap({ Programs.path(of: $0, in: folder) }) {
        paths.append(program)
      }
      for path in paths where digests[path.string] == nil {
        guard let status = FileStatus(of: path), status.kind == .file, status.size <= maximumSize,
          let digest = try? ReadableFile(path).sha256()
        else { continue }
        digests[path.string] = digest
      }
    }
    return digests
  }

  /// Those of now that were others before.
  static func changed(_ now: [String: String], since before: [String: String]) -> [String: String] {
    now.filter { path, digest in before[path].map { $0 != digest } ?? false }
  }
}

/// Programs as a shell finds them.
enum Programs {
  /// Where a program is; nil when there is none that can be run.
  static func path(of program: String, in folder: FilePath) -> FilePath? {
    if program.contains("/") {
      let path = folder.pushing(FilePath(program))
      return Folder.canRun(path) ? path : nil
    }
    let path = CurrentProcess.environmentValue("PATH") ?? ""
    return path.split(separator: ":").lazy
      .map { folder.pushing(FilePath(String($0))).appending(program) }
      .first { Folder.canRun($0) }
  }
}
