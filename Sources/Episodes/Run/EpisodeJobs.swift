import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore

/// What the commands of a run are told, and how what they make is judged.
extension EpisodeRunner {
  /// Trains a member for an episode.
  func trainJob(_ episode: Int, member: Int) throws -> Job {
    let (from, to) = (plan.iterations(before: episode), plan.iterations(before: episode + 1))
    let initial = folder.average(episode - 1, suffix: plan.suffix)
    var values = [
      "init": initial.string,
      "seed": String(Seeds.member(member, of: plan.seed)),
      "episode_seed": String(Seeds.episode(episode, member: member, of: plan.seed)),
      "episode": String(episode),
      "member": String(member),
      "from_iteration": String(from),
      "to_iteration": String(to),
    ]
    for setting in plan.memberSettings.isEmpty ? [] : plan.memberSettings[member - 1] {
      values[setting.name] = setting.value
    }
    if plan.ema == .trainer { values["ema_init"] = emaStart(episode).string }
    if let state = try stateIn(episode, member: member) { values["state_in"] = state.string }
    return trainingJob(
      .train(episode: episode, member: member), values: values,
      check: OutputCheck(
        initial: try CheckpointReader(opening: initial),
        requiresChange: plan.requireChange))
  }

  /// Trains one process before the first episode: the iterations before 0 hold the schedule at 0.
  func warmStartJob() throws -> Job {
    let initial = folder.initial(suffix: plan.suffix)
    var values = [
      "init": initial.string,
      "seed": String(Seeds.member(0, of: plan.seed)),
      "episode_seed": String(Seeds.episode(0, member: 0, of: plan.seed)),
      "episode": "0",
      "member": "0",
      "from_iteration": String(-plan.warmStart),
      "to_iteration": "0",
    ]
    for setting in plan.memberSettings.first ?? [] { values[setting.name] = setting.value }
    if plan.ema == .trainer { values["ema_init"] = initial.string }
    return trainingJob(
      .warmStart, values: values,
      check: OutputCheck(
        initial: try CheckpointReader(opening: initial),
        requiresChange: plan.requireChange))
  }

  private func trainingJob(_ task: RunTask, values: [String: String], check: OutputCheck) -> Job {
    let plan = plan
    // The state of the warm start goes to all members, whatever they do with their own later.
    let keepsState = plan.state != .reset || task == .warmStart
    let isStateNeeded = plan.state == .average && task != .warmStart
    return Job(task: task) { [self] id, folder, slot in
      var values = values
      values["out"] = folder.out(suffix: plan.suffix).string
      if plan.ema == .trainer { values["ema_out"] = folder.emaOut(suffix: plan.suffix).string }
      if keepsState { values["state_out"] = folder.stateOut(suffix: plan.stateSuffix).string }
      return spec(id, folder, slot, plan.train, values)
    } verdict: { folder, record in
      let roles = ["out"] + (plan.ema == .trainer ? ["ema_out"] : [])
      for role in roles {
        let path =
          role == "out" ? folder.out(suffix: plan.suffix) : folder.emaOut(suffix: plan.suffix)
        guard record.outputs.contains(where: { $0.role == role }) else {
          return .faulty("it ended well, but there is no file at '\(role)', \(path)")
        }
        // A moving average may stay where it is for long.
        let check =
          role == "out" ? check : OutputCheck(initial: check.initial, requiresChange: false)
        if let problem = check.problem(with: path, called: role) { return .faulty(problem) }
      }
      if isStateNeeded {
        let path = folder.stateOut(suffix: plan.stateSuffix)
        guard record.outputs.contains(where: { $0.role == "state_out" }) else {
          return .faulty("it ended well, but there is no file at 'state_out', \(path)")
        }
        do {
          _ = try CheckpointReader(opening: path)
        } catch {
          return .faulty("'state: average' needs state files that are checkpoints: \(error)")
        }
      }
      return .sound([])
    }
  }

  /// The weights that the moving average of an episode starts from.
  func emaStart(_ episode: Int) -> FilePath {
    let ema = folder.ema(episode - 1, suffix: plan.suffix)
    if episode == 1, plan.warmStart == 0 { return folder.average(0, suffix: plan.suffix) }
    return ema
  }

  /// The state that a member starts an episode from; nil when it has none.
  private func stateIn(_ episode: Int, member: Int) throws -> FilePath? {
    if episode == 1 {
      guard plan.warmStart > 0 else { return nil }
      return try state(of: .warmStart)
    }
    switch plan.state {
    case .reset: return nil
    case .carry: return try state(of: .train(episode: episode - 1, member: member))
    case .average:
      return folder.averagedState(episode - 1, member: member, suffix: plan.stateSuffix)
    }
  }

  private func state(of task: RunTask) throws -> FilePath? {
    guard run.history[task].outputs.contains(where: { $0.role == "state_out" }) else { return nil }
    return try winner(of: task).stateOut(suffix: plan.stateSuffix)
  }

  /// Makes the first weights.
  func initialJob() throws -> Job {
    guard case .command(let command) = plan.initial else {
      preconditionFailure("only a command makes the first weights")
    }
    let values = ["seed": String(Seeds.member(0, of: plan.seed))]
    return Job(task: .initial) { [self, plan] id, folder, slot in
      var values = values
      values["out"] = folder.out(suffix: plan.suffix).string
      return spec(id, folder, slot, command, values)
    } verdict: { [plan] folder, record in
      checkReadable(folder.out(suffix: plan.suffix), record)
    }
  }

  /// Recalibrates an average.
  func recalibrationJob(_ task: RunTask, of path: FilePath) throws -> Job {
    guard let command = plan.average.recalibrate else {
      preconditionFailure("only a plan with the command recalibrates")
    }
    let check = OutputCheck(initial: try CheckpointReader(opening: path), requiresChange: false)
    var values = values(ofEpisode: task.episode)
    values["init"] = path.string
    let known = values
    return Job(task: task) { [self, plan] id, folder, slot in
      var values = known
      values["out"] = folder.out(suffix: plan.suffix).string
      return spec(id, folder, slot, command, values)
    } verdict: { [plan] folder, record in
      let out = folder.out(suffix: plan.suffix)
      guard record.outputs.contains(where: { $0.role == "out" }) else {
        return .faulty("it ended well, but there is no file at 'out', \(out)")
      }
      return check.problem(with: out, called: "out").map { .faulty($0) } ?? .sound([])
    }
  }

  func values(ofEpisode episode: Int) -> [String: String] {
    [
      "seed": String(Seeds.member(0, of: plan.seed)),
      "episode": String(episode),
      "to_iteration": String(plan.iterations(before: episode + 1)),
    ]
  }

  private func checkReadable(_ path: FilePath, _ record: ExitRecord) -> Job.Verdict {
    guard record.outputs.contains(where: { $0.role == "out" }) else {
      return .faulty("it ended well, but there is no file at 'out', \(path)")
    }
    do {
      _ = try CheckpointReader(opening: path)
      return .sound([])
    } catch {
      return .faulty((error as? any DiagnosedError)?.description ?? "\(error)")
    }
  }

  /// Puts a command together: its words, and the same values as variables.
  func spec(
    _ id: AttemptID, _ folder: AttemptFolder, _ slot: String, _ command: CommandTemplate,
    _ values: [String: String], lists: [String: [String]] = [:]
  ) -> AttemptSpec {
    var values = values
    values["attempt_dir"] = folder.path.string
    values["slot"] = slot
    values["total_iterations"] = String(plan.totalIterations ?? plan.iterations)
    let outputs = ["out", "ema_out", "state_out"].compactMap { role in
      values[role].map { AttemptSpec.Output(role: role, path: FilePath($0)) }
    }
    for (name, list) in lists { values[name] = list.joined(separator: "\n") }
    var environment = values.sorted { $0.key < $1.key }
      .map { "\(Placeholders.variable($0.key))=\($0.value)" }
    environment += plan.environment.map { variable in
      "\(variable.name)=\(variable.value.expanded(values).joined())"
    }
    if let kernels = run.history.start?.kernels {
      environment.append("\(TrainerKernels.variable)=\(kernels)")
    }
    return AttemptSpec(
      name: "imwa.\(run.id).e\(id.task.episode).\(id.task.name).a\(id.number)", folder: folder,
      arguments: command.expanded(values, lists: lists),
      environment: environment,
      workingFolder: run.workingFolder, outputs: outputs, grace: plan.grace)
  }
}
