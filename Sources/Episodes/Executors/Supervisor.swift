import FileIO
import Glibc
import JSONText
public import SystemPackage

/// The small process around an attempt: claims its folder, runs the program, ends what takes too long, and writes how
/// it ended, also when the runner is gone.
public struct Supervisor {
  /// The exit code of a supervisor that could not write its files.
  public static let diskFailure: Int32 = 74

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
    // Workers that lead sessions of their own are still found when the program that started them has ended.
    CurrentProcess.adoptOrphans()
    guard let spec = try folder.specification() else {
      throw RunError.damaged(folder.spec, "it does not tell what to run")
    }
    guard let (claim, lock) = try folder.claimed() else { return }
    var watch = AttemptWatch(folder, spec.limits, lock)
    var record = supervise(spec, claim, &watch)
    if record.ending == .exited(code: 0), record.cause == nil {
      do {
        record.outputs = try keep(spec.outputs, &watch)
        record.cause = watch.cause
      } catch {
        record.ending = .failed(error.description)
      }
    }
    try SmallFile.write(Array((record.json.text + "\n").utf8), to: folder.exit)
  }

  private func supervise(_ spec: AttemptSpec, _ claim: ProcessClaim, _ watch: inout AttemptWatch)
    -> ExitRecord
  {
    let child: ChildProcess
    do {
      child = try ChildProcess(
        spec.arguments, environment: environment(spec, claim), folder: spec.workingFolder,
        output: spec.separatesOutput ? folder.output : folder.log, errors: folder.log,
        relation: .ownGroup)
    } catch {
      return ExitRecord(.failed(error.description), seconds: 0)
    }
    var ending: ChildProcess.Ending?
    while ending == nil {
      let isFirst = watch.cause == nil
      watch.wait()
      if isFirst, watch.cause != nil {
        child.sendToGroup(SIGTERM)
        // A program that is stopped takes no notice before it goes on.
        child.sendToGroup(SIGCONT)
      }
      if watch.isGraceOver { watch.endProcesses(by: SIGKILL) }
      ChildProcess.collectOrphans()
      ending = child.ending()
    }
    let seconds = watch.seconds
    // What it left running could still write.
    watch.endWhatIsLeft()
    var record: ExitRecord
    switch ending {
    case .exited(let code)?: record = ExitRecord(.exited(code: Int(code)), seconds: seconds)
    case .killed(let signal)?: record = ExitRecord(.killed(signal: Int(signal)), seconds: seconds)
    case nil: preconditionFailure("the loop ends with the program")
    }
    record.cause = watch.cause
    return record
  }

  /// The variables of the run, those of the attempt, and the mark by which its processes are found.
  private func environment(_ spec: AttemptSpec, _ claim: ProcessClaim) -> [String] {
    let names = Set(spec.environment.map { $0.prefix { $0 != "=" } })
    let inherited = environment.filter { entry in
      // Variables of an outer run mean something else here.
      !names.contains(entry.prefix { $0 != "=" }) && !entry.hasPrefix("IMWA_")
    }
    return inherited + spec.environment + (claim.mark.map { [$0] } ?? [])
  }

  /// Forces the outputs that are there to the disk, and notes what they are; none when it is asked to end meanwhile.
  private func keep(_ outputs: [AttemptSpec.Output], _ watch: inout AttemptWatch) throws(FileError)
    -> [ExitRecord.Output]
  {
    var result: [ExitRecord.Output] = []
    for output in outputs where FileStatus(of: output.path) != nil {
      try Folder.checkIsPlain(output.path)
      try Folder.synchronizeAll(output.path)
      guard let digest = try OutputDigest(of: output.path, unless: { watch.isOver() }) else {
        return []
      }
      result.append(
        ExitRecord.Output(
          role: output.role, size: digest.size, sha256: digest.sha256, version: digest.version))
    }
    try Folder.synchronize(folder.path)
    return result
  }
}
