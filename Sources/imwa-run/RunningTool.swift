import ArgumentParser
import Checkpoints
import Episodes
import FileIO
import Glibc
import JSONText
import Plotting
import SystemPackage
import TensorCore
import ToolSupport

/// Works on a run to its end, and tells how it goes.
struct RunningTool {
  let options: WorkOptions

  /// Runs attempts on this machine.
  static var executor: LocalExecutor {
    LocalExecutor(
      supervisor: [CurrentProcess.program?.string ?? ImwaRun.toolName, ImwaRun.supervise],
      environment: CurrentProcess.environment)
  }

  func perform(_ open: ([Plan.Setting]) throws -> Run) async throws {
    let tool = options.tool
    try await tool.run {
      let run = try open(options.parsed)
      if run.history.phase == .completed {
        tool.notice("the run is complete")
      } else {
        for notice in [run.placeNotice, try run.kernelNotice()].compactMap(\.self) {
          tool.notice(notice)
        }
        tool.notices(run.changedPrograms.count) {
          "\(run.changedPrograms[$0]) has changed since the run was last worked on: what is done from here on "
            + "is done by what it is now"
        }
      }
      let display = RunDisplay(tool: tool, path: run.path, plan: run.plan)
      let stopRequest = run.stopRequest
      var runner = EpisodeRunner(
        run, executor: RunningTool.executor, observer: display,
        interruption: { Signals.noted ?? (stopRequest.isMade ? SIGTERM : nil) })
      defer { display.finish() }
      try await runner.perform()
      display.finish()
      try finish(run)
    }
  }

  private func finish(_ run: Run) throws {
    let status = try RunStatus(of: run.path)
    if options.json {
      try Console.output.write(status.json.text + "\n")
    } else if !options.quiet {
      let final = run.folder.final(suffix: run.plan.suffix)
      let time = TimeText.duration(status.history.lastTime - status.history.startTime)
      var text =
        "wrote \(final): \(counted(max(0, run.history.lastComplete), "episode")) of "
        + "\(counted(run.plan.members, "member")) in \(time)"
      if let evaluation = run.plan.evaluate, let metric = status.metrics.last {
        text += "; \(evaluation.metric) \(NumberText.short(metric.value)) (\(metric.subject.name))"
      }
      if let reason = status.history.endReason { text += "; ended early: \(reason)" }
      try Console.output.write(Tool.printable(text) + "\n")
    }
  }
}
