import FileIO
import Glibc
import JSONText
public import SystemPackage

/// The small process around an attempt: claims its folder, runs the program, and writes how it ended, also when
/// the runner is gone.
public struct Supervisor {
  private let folder: AttemptFolder
  private let environment: [String]

  /// Supervises the attempt in a folder.
  ///
  /// - Parameter environment: of this process, as `NAME=VALUE`.
  public init(_ folder: FilePath, environment: [String]) {
    self.folder = AttemptFolder(folder)
    self.environment = environment
  }

  /// Runs the attempt to its end; does nothing when it has been claimed before.
  ///
  /// - Throws: `FileError`, `RunError` when its files cannot be read or written.
  public func run() throws {
    AwaitedSignals.block()
    guard let spec = try folder.specification() else {
      throw RunError.damaged(folder.spec, "it does not tell what to run")
    }
    let start = WallClock.now
    let claim = ProcessClaim(supervisor: .current, time: start)
    guard try folder.claim(as: claim) else { return }
    var record = supervise(spec, since: start)
    if record.ending == .exited(code: 0) {
      do {
        record.outputs = try keep(spec.outputs)
      } catch {
        record.ending = .failed(error.description)
      }
    }
    try SmallFile.write(Array((record.json.text + "\n").utf8), to: folder.exit)
  }

  private func supervise(_ spec: AttemptSpec, since start: Double) -> ExitRecord {
    let names = Set(spec.environment.map { $0.prefix { $0 != "=" } })
    let inherited = environment.filter { entry in
      // Variables of an outer run mean something else here.
      !names.contains(entry.prefix { $0 != "=" }) && !entry.hasPrefix("IMWA_")
    }
    let child: ChildProcess
    do {
      child = try ChildProcess(
        spec.arguments, environment: inherited + spec.environment, folder: spec.workingFolder,
        output: spec.separatesOutput ? folder.output : folder.log, errors: folder.log,
        relation: .ownGroup)
    } catch {
      return ExitRecord(.failed(error.description), seconds: 0)
    }
    var deadline: ContinuousClock.Instant?
    var wasCancelled = false
    var ending = child.ending()
    while ending == nil {
      let signal = AwaitedSignals.next(milliseconds: deadline == nil ? 1000 : 20)
      if let signal, signal != SIGCHLD, !wasCancelled {
        wasCancelled = true
        child.sendToGroup(SIGTERM)
        // A program that is stopped takes no notice before it goes on.
        child.sendToGroup(SIGCONT)
        deadline = .now + .seconds(spec.grace)
      }
      if let limit = deadline, ContinuousClock.now >= limit {
        child.sendToGroup(SIGKILL)
        deadline = nil
      }
      ending = child.ending()
    }
    // What it left running could still write.
    child.sendToGroup(SIGKILL)
    let seconds = WallClock.now - start
    var record: ExitRecord
    switch ending {
    case .exited(let code)?: record = ExitRecord(.exited(code: Int(code)), seconds: seconds)
    case .killed(let signal)?: record = ExitRecord(.killed(signal: Int(signal)), seconds: seconds)
    case nil: preconditionFailure("the loop ends with the program")
    }
    record.wasCancelled = wasCancelled
    return record
  }

  /// Forces the outputs that are there to the disk, and notes what they are.
  private func keep(_ outputs: [AttemptSpec.Output]) throws(FileError) -> [ExitRecord.Output] {
    var result: [ExitRecord.Output] = []
    for output in outputs where FileStatus(of: output.path) != nil {
      try Folder.checkIsPlain(output.path)
      try Folder.synchronizeAll(output.path)
      let digest = try ContentDigest(of: output.path)
      result.append(
        ExitRecord.Output(role: output.role, size: digest.size, sha256: digest.sha256))
    }
    try Folder.synchronize(folder.path)
    return result
  }
}

/// Size and SHA-256 of a file, or of the names and contents of all files in a folder.
struct ContentDigest: Sendable, Hashable {
  let size: Int
  let sha256: String

  init(of path: FilePath) throws(FileError) {
    guard FileStatus(of: path)?.kind == .folder else {
      let file = try ReadableFile(path)
      size = file.size
      sha256 = try file.sha256() ?? ""
      return
    }
    var digest = SHA256()
    var size = 0
    for component in try Folder.components(in: path) {
      let inner = try ContentDigest(of: path.appending(component))
      size += inner.size
      digest.update(Array("\(component.string)\0\(inner.size)\0\(inner.sha256)\n".utf8))
    }
    self.size = size
    sha256 = digest.finalized()
  }
}
