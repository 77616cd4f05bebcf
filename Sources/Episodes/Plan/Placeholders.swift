/// The names of placeholders, which are also those of the variables: `{init}` is `IMWA_INIT`.
enum Placeholders {
  /// What is known of every command.
  static let common = ["attempt_dir", "slot", "seed", "total_iterations"]
  /// What a trainer is told besides.
  static let train =
    common + ["init", "out", "episode_seed", "episode", "member", "from_iteration", "to_iteration"]
  /// What a trainer is told at times.
  static let trainOptional: Set = ["ema_init", "ema_out", "state_in", "state_out"]
  /// What a command that makes the first weights is told.
  static let initial = common + ["out"]
  /// What a command that measures is told; the member only where one is measured.
  static let evaluate = common + ["init", files, "episode", "to_iteration"]
  static let evaluateOptional: Set = ["member"]
  /// All files that one process measures; a word that consists of it becomes a word for each.
  static let files = "inits"
  /// What a command is told that is run when something happened to the run.
  static let notify = ["event", "message", "run", "episode", "value", "file"]
  /// What a command that recalibrates an average is told.
  static let recalibrate = common + ["init", "out", "episode", "to_iteration"]

  /// All of them, which members' settings may not be named like.
  static let all = Set(train + evaluate + recalibrate).union(trainOptional)

  /// The variable of a placeholder.
  static func variable(_ name: String) -> String { "IMWA_" + name.uppercased() }
}
