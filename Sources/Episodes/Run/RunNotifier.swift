import FileIO
import Plotting
import SystemPackage

/// Runs the plan's `notify` when something happened that somebody waits for. Whatever becomes of the command,
/// the run goes on.
final class RunNotifier {
  /// What happened.
  enum Event: String {
    case finished
    case failed
    case best
  }

  private let run: Run
  private let observer: any RunObserver
  private var children: [ChildProcess] = []

  /// How long the process waits for commands when it ends.
  private static let patience = Duration.seconds(30)

  init(_ run: Run, observer: any RunObserver) {
    self.run = run
    self.observer = observer
  }

  /// Tells of a new best value.
  func send(_ best: MetricHistory.Reading) {
    let name = run.plan.evaluate?.metric ?? ""
    let value = NumberText.short(best.value)
    let file =
      best.subject == .ema
      ? run.folder.ema(best.episode, suffix: run.plan.suffix)
      : run.folder.average(best.episode, suffix: run.plan.suffix)
    send(
      .best, message: "best \(name) \(value) in episode \(best.episode)", value: value, file: file)
  }

  /// Starts the command and does not wait for it.
  func send(_ event: Event, message: String, value: String = "", file: FilePath? = nil) {
    guard let command = run.plan.notify else { return }
    let log = RunFolder.notifications(in: run.path)
    let values = [
      "event": event.rawValue, "message": message, "run": run.path.string,
      "episode": String(max(0, run.history.lastComplete)), "value": value,
      "file": file?.string ?? "",
    ]
    let variables = values.sorted { $0.key < $1.key }
      .map { "\(Placeholders.variable($0.key))=\($0.value)" }
    do {
      let child = try ChildProcess(
        command.expanded(values), environment: CurrentProcess.environment + variables,
        folder: run.workingFolder, output: log, errors: log, relation: .ownGroup)
      children.append(child)
    } catch {
      observer.notice("notify: \(error)")
    }
  }

  /// Waits for the commands that still run; those that take too long end with this process.
  func finish() {
    let limit = ContinuousClock.now + RunNotifier.patience
    for child in children {
      var ending = child.ending()
      while ending == nil, ContinuousClock.now < limit {
        child.waitForEnd(milliseconds: 100)
        ending = child.ending()
      }
      if ending != .exited(code: 0) {
        observer.notice(
          "notify: the command did not end well; its output is in \(RunFolder.notifications(in: run.path))"
        )
      }
    }
    children = []
  }
}
