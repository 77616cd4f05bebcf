import Checkpoints
import FileIO
public import SystemPackage
public import TensorCore

/// A run that cannot go on.
public struct RunError: DiagnosedError {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  init(_ kind: FailureKind, _ description: String, hint: String? = nil) {
    self.kind = kind
    self.description = description
    self.hint = hint
  }

  static func damaged(_ path: FilePath, _ reason: String) -> RunError {
    RunError(.badInput, "\(path): \(reason)", hint: "the file was changed or the disk is faulty")
  }

  /// A file that the run needs and that is not there.
  static func gone(_ path: FilePath) -> RunError {
    RunError(
      .missingInput, "\(path): it is missing, and the run goes on from it",
      hint: wayBack(path))
  }

  /// A file that is not what was checked and written down.
  static func changed(_ path: FilePath, expected: String, found: String) -> RunError {
    RunError(
      .badInput,
      "\(path): it was changed after it was checked: its SHA-256 is \(found), not \(expected)",
      hint: wayBack(path))
  }

  private static func wayBack(_ path: FilePath) -> String {
    "put back what was there; or 'imwa-run repair \(RunFolder.containing(path))' has it made again, "
      + "where that can be done"
  }

  /// A folder in which no run was started.
  public static func noRun(_ path: FilePath) -> RunError {
    RunError(
      .missingInput, "\(path): it is no folder of a run: it has no journal.jsonl",
      hint: "'imwa-run start PLAN --dir \(path)' starts one")
  }

  static func inUse(_ path: FilePath, by note: String) -> RunError {
    RunError(
      .cannotCreate, "\(path): the run is being worked on already (\(note))",
      hint: "'imwa-run status \(path)' shows how far it is, 'imwa-run stop \(path)' ends it")
  }

  static func exists(_ path: FilePath) -> RunError {
    RunError(
      .cannotCreate, "\(path): there is a run already",
      hint: "'imwa-run resume \(path)' goes on with it; --dir names another folder")
  }

  static func taken(_ path: FilePath) -> RunError {
    RunError(
      .cannotCreate, "\(path): the folder is not empty",
      hint: "--dir names a new folder, or an empty one")
  }

  /// A task that failed for good.
  static func failed(
    _ attempt: AttemptID, reason: String, folder: AttemptFolder, run: FilePath, attempts: Int
  ) -> RunError {
    let lines = folder.lastLines()
    let log =
      lines.isEmpty ? "" : "\n  last lines of \(folder.log):" + lines.map { "\n    " + $0 }.joined()
    return RunError(
      .badInput, "\(attempt.text): \(reason)\(log)",
      hint:
        "it is given up ('attempts' is \(attempts)), what is finished is kept: when the cause is removed, "
        + "'imwa-run resume \(run)' goes on")
  }

  static func equalMembers(_ first: Int, _ second: Int, run: FilePath) -> RunError {
    RunError(
      .badInput,
      "episode 1: members \(first) and \(second) have the same bits: does the trainer use its "
        + "'episode_seed'?",
      hint:
        "seed the order of the data with {episode_seed} or IMWA_EPISODE_SEED, and start a new run; if "
        + "they are meant to be equal, 'imwa-run resume \(run) --set require_difference=false' goes on"
    )
  }

  /// What runs attempts could not do its work.
  static func unable(_ attempt: AttemptID, _ reason: String, run: FilePath) -> RunError {
    RunError(
      .inputOutput, "\(attempt.text): \(reason)",
      hint: "when the cause is removed (a full disk?), 'imwa-run resume \(run)' goes on")
  }

  static func refused(_ attempt: AttemptID, _ reason: String, run: FilePath) -> RunError {
    RunError(
      .badInput, "\(attempt.text) was refused: \(reason)",
      hint: "when the cause is removed, 'imwa-run resume \(run)' goes on")
  }

  static func interrupted(_ signal: Int32, run: FilePath) -> RunError {
    RunError(
      .interrupted(signal: signal), "stopped; what is finished is kept",
      hint: "'imwa-run resume \(run)' goes on")
  }

  static func lowSpace(_ path: FilePath, needed: Int, free: Int) -> RunError {
    RunError(
      .inputOutput,
      "\(path): the next episode needs about \(ByteCount.text(needed)), but only "
        + "\(ByteCount.text(free)) are free",
      hint:
        "free some space, then 'imwa-run resume \(path)' goes on; 'keep' in the plan says what stays"
    )
  }
}
