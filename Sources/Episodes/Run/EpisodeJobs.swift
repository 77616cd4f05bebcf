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
    let state = try stateIn(episode, member: member)
    if let state { values["state_in"] = state.path.string }
    return trainingJob(
      .train(episode: episode, member: member), values: values,
      check: OutputCheck(
        initial: try CheckpointReader(opening: initial),
        requiresChange: plan.requireChange)
    ) { [self] in
      try checkAverage(episode - 1)
      if let state, let output = state.output {
        try contents.check(state.path, sha256: output.sha256, version: output.version)
      }
    }
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
        requiresChange: plan.requireChange)
    ) {}
  }

  private func trainingJob(
    _ task: RunTask, values: [String: String], check: OutputCheck,
    checkStart: @escaping () throws -> Void
  ) -> Job {
    let plan = plan
    // The state of the warm start goes to all members, whatever they do with their own later.
    let keepsState = plan.state != .reset || task == .warmStart
    let isStateNeeded = plan.state == .average && task != .warmStart
    let averaged: [TrainerFile] = plan.ema == .trainer ? [.out, .emaOut] : [.out]
    return Job(task: task, checkStart: checkStart) { [self] id, folder, slot in
      spec(
        id, folder, slot, plan.train, values, makes: averaged + (keepsState ? [.stateOut] : []))
    } verdict: { folder, record in
      for file in averaged {
        let path = folder.path(of: file, plan)
        if let problem = record.absence(of: file, at: path) { return .faulty(problem) }
        // A moving average may stay where it is for long.
        let check =
          file == .out ? check : OutputCheck(initial: check.initial, requiresChange: false)
        if let problem = check.problem(with: path, called: file.rawValue) {
          return .faulty(problem)
        }
      }
      if isStateNeeded {
        let path = folder.path(of: .stateOut, plan)
        if let problem = record.absence(of: .stateOut, at: path) { return .faulty(problem) }
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
  private func stateIn(_ episode: Int, member: Int) throws -> (
    path: FilePath, output: ExitRecord.Output?
  )? {
    if episode == 1 {
      guard plan.warmStart > 0 else { return nil }
      return try state(of: .warmStart)
    }
    switch plan.state {
    case .reset: return nil
    case .carry: return try state(of: .train(episode: episode - 1, member: member))
    case .average:
      let digests = run.history.episodes[episode - 1]?.average?.stateSHA256s ?? []
      return (
        folder.averagedState(episode - 1, member: member, suffix: plan.stateSuffix),
        digests.count < member
          ? nil
          : ExitRecord.Output(
            role: TrainerFile.stateOut.rawValue, size: 0, sha256: digests[member - 1])
      )
    }
  }

  private func state(of task: RunTask) throws -> (path: FilePath, output: ExitRecord.Output?)? {
    guard let output = run.history[task].output(.stateOut) else { return nil }
    return (try winner(of: task).path(of: .stateOut, plan), output)
  }

  /// Makes the first weights.
  func initialJob() throws -> Job {
    guard case .command(let command) = plan.initial else {
      preconditionFailure("only a command makes the first weights")
    }
    let values = ["seed": String(Seeds.member(0, of: plan.seed))]
    return Job(task: .initial, checkStart: {}) { [self] id, folder, slot in
      spec(id, folder, slot, command, values, makes: [.out])
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
    return Job(task: task, checkStart: {}) { [self] id, folder, slot in
      spec(id, folder, slot, command, known, makes: [.out])
    } verdict: { [plan] folder, record in
      let out = folder.path(of: .out, plan)
      if let problem = record.absence(of: .out, at: out) { return .faulty(problem) }
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
    if let problem = record.absence(of: .out, at: path) { return .faulty(problem) }
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
    _ values: [String: String], lists: [String: [String]] = [:], makes files: [TrainerFile] = []
  ) -> AttemptSpec {
    var values = values
    let outputs = files.map {
      AttemptSpec.Output(role: $0.rawValue, path: folder.path(of: $0, plan))
    }
    for output in outputs { values[output.role] = output.path.string }
    values["attempt_dir"] = folder.path.string
    values["slot"] = slot
    values["total_iterations"] = String(plan.totalIterations ?? plan.iterations)
    for (name, list) in lists { values[name] = list.joined(separator: "\n") }
    var environment = values.sorted { $0.key < $1.key }
      .map { "\(Placeholders.variable($0.key))=\($0.value)" }
    environment += plan.environment.map { variable in
      "\(variable.name)=\(variable.value.expanded(values).joined())"
    }
    if let kernels = run.history.start?.kernels {
      environment.append("\(TrainerKernels.variable)=\(kernels)")
    }
    var spec = AttemptSpec(
      name: id.name(inRun: run.id), folder: folder,
      arguments: command.expanded(values, lists: lists), environment: environment,
      workingFolder: run.workingFolder, outputs: outputs,
      limits: AttemptSpec.Limits(
        timeout: plan.timeout(of: id.task), heartbeat: plan.heartbeat, grace: plan.grace))
    spec.run = run.history.start.map { JournalEvent.started($0).json(time: run.history.startTime) }
    if case .train(let episode, _) = id.task {
      let average = run.history.episodes[episode - 1]?.average
      spec.startsFrom["init"] = average?.sha256
      spec.startsFrom["ema_init"] = average?.emaSHA256
    }
    return spec
  }
}

extension ExitRecord {
  /// What is wrong when a file was not made; nil when it was.
  fileprivate func absence(of file: TrainerFile, at path: FilePath) -> String? {
    outputs.contains { $0.role == file.rawValue }
      ? nil : "it ended well, but there is no file at '\(file.rawValue)', \(path)"
  }
}
