import FileIO
import SystemPackage

/// What is measured of an episode, and how.
extension EpisodeRunner {
  /// Measures what the plan wants of an episode; of episode 0, the start.
  mutating func evaluate(episode: Int) async throws {
    guard let evaluation = plan.evaluate else { return }
    let measured = Set(run.history.episodes[episode]?.metrics.map(\.subject) ?? [])
    let subjects = subjects(evaluation, episode).filter { !measured.contains($0) }
    if subjects.isEmpty { return }
    let jobs =
      evaluation.measuresTogether
      ? [try job(.evaluateAll(episode: episode), of: subjects, evaluation)]
      : try subjects.map {
        try job(.evaluate(episode: episode, $0), of: [$0], evaluation)
      }
    try await scheduler.perform(jobs)
  }

  private func subjects(_ evaluation: Plan.Evaluation, _ episode: Int) -> [RunTask.Subject] {
    if episode == 0 { return [.average] }
    guard episode % evaluation.every == 0 || episode == plan.episodes else { return [] }
    var subjects: [RunTask.Subject] = []
    if evaluation.on.contains(.averages) { subjects.append(.average) }
    if evaluation.on.contains(.ema) { subjects.append(.ema) }
    if evaluation.on.contains(.members) { subjects += (1...plan.members).map { .member($0) } }
    return subjects
  }

  private func job(
    _ task: RunTask, of subjects: [RunTask.Subject], _ evaluation: Plan.Evaluation
  ) throws -> Job {
    let files = try subjects.map { try file(of: $0, episode: task.episode).string }
    var values = values(ofEpisode: task.episode)
    var lists: [String: [String]] = [:]
    if case .evaluateAll = task {
      lists[Placeholders.files] = files
    } else {
      values["init"] = files[0]
      if case .member(let member) = subjects[0] { values["member"] = String(member) }
    }
    let known = (values: values, lists: lists)
    var job = Job(
      task: task,
      checkStart: { [self] in
        for subject in subjects { try checkSubject(subject, task.episode) }
      }
    ) { [self] id, folder, slot in
      var spec = spec(
        id, folder, slot, evaluation.command, known.values, lists: known.lists)
      spec.separatesOutput = true
      return spec
    } verdict: { folder, _ in
      let outputs = MetricOutput.read(
        folder.output, metric: evaluation.metric, count: subjects.count)
      switch outputs {
      case .failure(let problem): return .faulty(problem.text)
      case .success(let outputs):
        return .sound(
          zip(subjects, outputs).map { subject, output in
            .measured(JournalEvent.Metric(task.episode, subject, output, evaluation.metric))
          })
      }
    }
    if evaluation.failure == .note {
      job.whenGivenUp = { reason in
        subjects.map { subject in
          .measured(
            JournalEvent.Metric(
              episode: task.episode, subject: subject, value: nil, all: [:], problem: reason))
        }
      }
    }
    return job
  }

  private func file(of subject: RunTask.Subject, episode: Int) throws -> FilePath {
    switch subject {
    case .average: folder.average(episode, suffix: plan.suffix)
    case .ema: folder.ema(episode, suffix: plan.suffix)
    case .member(let member):
      try winner(of: .train(episode: episode, member: member)).out(suffix: plan.suffix)
    }
  }
}

extension JournalEvent.Metric {
  fileprivate init(
    _ episode: Int, _ subject: RunTask.Subject, _ output: MetricOutput, _ metric: String
  ) {
    self.init(
      episode: episode, subject: subject, value: output.value, all: output.all,
      problem: output.value == nil ? "'\(metric)' is not a finite number" : nil)
  }
}
