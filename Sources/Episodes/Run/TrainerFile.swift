import SystemPackage

/// A file that a command of a run makes, by its name in commands and in the journal.
enum TrainerFile: String, CaseIterable {
  /// The weights.
  case out = "out"
  /// The moving average of the weights.
  case emaOut = "ema_out"
  /// The state of the member.
  case stateOut = "state_out"
}

extension AttemptFolder {
  /// Where an attempt makes a file.
  func path(of file: TrainerFile, _ plan: Plan) -> FilePath {
    switch file {
    case .out: out(suffix: plan.suffix)
    case .emaOut: emaOut(suffix: plan.suffix)
    case .stateOut: stateOut(suffix: plan.stateSuffix)
    }
  }
}

extension RunHistory.TaskRecord {
  /// What the attempt that counts made; nil when it made no such file.
  func output(_ file: TrainerFile) -> ExitRecord.Output? {
    outputs.first { $0.role == file.rawValue }
  }
}
