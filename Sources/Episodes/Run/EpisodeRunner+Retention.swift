import FileIO
import SystemPackage

/// Which files of a run stay on the disk.
extension EpisodeRunner {
  /// Removes what the plan does not keep.
  ///
  /// - Parameters:
  ///   - all: looks at all episodes, because what is kept has changed; else at those that may have become superfluous
  ///     with the latest one.
  ///   - formerBest: the episode whose average was the best one before the last.
  func removeWhatIsNotKept(all: Bool, formerBest: Int? = nil) {
    let latest = run.history.lastComplete
    removeScratchOfFailures(latest + 1)
    guard latest > 0 else { return }
    let best = plan.select == .best ? MetricHistory(run.history, plan: plan).best?.episode : nil
    for episode in all ? Array(0...latest) : recent(latest, formerBest) {
      if !plan.keepMembers.keeps(episode, latest: latest) { removeAttempts(episode) }
      removeScratchOfFailures(episode)
      if episode == 0 { continue }
      if !plan.keepAverages.keeps(episode, latest: latest), episode != best {
        removeAverages(episode)
      }
      if episode < latest, plan.state == .average {
        for member in 1...plan.members {
          Folder.removeAll(folder.averagedState(episode, member: member, suffix: plan.stateSuffix))
        }
      }
    }
  }

  /// The episodes whose files may have become superfluous with the latest one.
  private func recent(_ latest: Int, _ formerBest: Int?) -> [Int] {
    var episodes: Set = [latest, latest - 1, formerBest ?? latest]
    for keep in [plan.keepMembers, plan.keepAverages] {
      if case .last(let count) = keep { episodes.insert(latest - count) }
    }
    return episodes.filter { $0 >= 0 }.sorted()
  }

  private func removeAverages(_ episode: Int) {
    let path = folder.episode(episode)
    for name in ["average", "average-uncalibrated", "ema", "ema-uncalibrated"] {
      Folder.removeAll(path.appending(name + plan.suffix))
    }
  }

  /// Removes what members and commands of an episode have left, but for what tells how it went.
  private func removeAttempts(_ episode: Int) {
    for (id, _) in attempts(of: episode) { folder.attempt(id).removeScratch() }
  }

  /// Removes what attempts have left that do not count, once another one has taken their place.
  private func removeScratchOfFailures(_ episode: Int) {
    if plan.keepMembers == .all { return }
    for (id, record) in attempts(of: episode) {
      let isSuperseded = id.number < record.lastAttempt && !record.open.contains(id.number)
      let isBeaten = record.winner != nil && !record.open.contains(id.number)
      if id.number != record.winner, isSuperseded || isBeaten {
        folder.attempt(id).removeScratch()
      }
    }
  }

  private func attempts(of episode: Int) -> [(AttemptID, RunHistory.TaskRecord)] {
    (run.history.episodes[episode]?.tasks ?? [:]).flatMap { name, record in
      guard let task = RunTask(episode: episode, name: name), record.lastAttempt > 0 else {
        return [(AttemptID, RunHistory.TaskRecord)]()
      }
      return (1...record.lastAttempt).map { (AttemptID(task, $0), record) }
    }
  }
}
