import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport
import YAMLText

/// How a run is worked on.
struct WorkOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "A key of the plan with another value, such as episodes=50 or average.weights=[0.3,0.7]. Can be "
        + "given several times.", valueName: "key=value"))
  var settings: [String] = []

  @Flag(
    help:
      "Go on in the background, and print what is said there into runner.log in the run's folder.")
  var detach = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func validate() throws { try WorkOptions.check(settings) }

  /// Refuses what is no setting.
  static func check(_ settings: [String]) throws {
    for text in settings where Plan.Setting(text) == nil {
      throw ValidationError("--set needs a key and a value, such as episodes=50, not '\(text)'")
    }
  }

  var parsed: [Plan.Setting] { settings.compactMap { Plan.Setting($0) } }
  var tool: Tool { Tool(name: ImwaRun.toolName, talk: quiet ? .quiet : .normal) }
}

/// `imwa-run start`.
struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Start a run: make its folder, and train it to the end.",
    discussion: """
      Everything is kept in the folder of the run. Whatever ends the process, 'imwa-run resume' goes on from \
      there, and what is finished is not repeated. Ctrl-C stops the run cleanly; a second one at once. Where two \
      iterations are few against an episode, the plan is rehearsed before, for a minute at most.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The plan, a YAML file: see 'man imwa-plan'.", valueName: "plan"))
  var plan: String

  @Option(
    help: ArgumentHelp(
      "The folder of the run, new or empty. Default: the plan's name with -run.", valueName: "run"))
  var dir: String?

  @Flag(
    name: .customLong("no-try"),
    help: "Do not rehearse the plan before, which is done where it costs little against an episode."
  )
  var skipsRehearsal = false

  @OptionGroup var work: WorkOptions

  func run() async throws {
    let path = FilePath(plan)
    let folder = FilePath(dir ?? "\(path.stem ?? "imwa")-run")
    if work.detach { return try DetachedRunner(folder).begin(work.tool) }
    let tool = work.tool
    try await tool.run {
      let (plan, _) = try Plan.read(path, settings: work.parsed)
      for note in PlanNotes.notes(on: plan, at: path) { tool.notice(note.text(in: path)) }
      guard !skipsRehearsal, Rehearsal.isCheap(plan), Run.isFree(folder) else { return }
      let rehearsal = Rehearsal(
        plan: path, in: FilePath(folder.string + ".try"), settings: work.parsed)
      let outcome = try await rehearsal.performUnasked(
        with: RunningTool.executor, interruption: { Signals.noted })
      if outcome == nil {
        tool.notice(
          "a rehearsal takes longer than a minute, and was left; 'imwa-run try' makes one")
      }
    }
    try await RunningTool(options: work).perform { settings in
      try Run.start(plan: path, in: folder, settings: settings)
    }
  }
}

/// `imwa-run resume`.
struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with a run that was stopped or interrupted.",
    discussion: """
      Members that still train are waited for, what is finished is kept, and what failed is tried again. \
      With --set, keys may change that do not change the result: \
      \(Plan.Setting.changeable.joined(separator: ", ")).

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var run: String

  @OptionGroup var work: WorkOptions

  func run() async throws {
    if work.detach { return try DetachedRunner(FilePath(run)).begin(work.tool) }
    try await RunningTool(options: work).perform { settings in
      try Run.resume(FilePath(run), settings: settings)
    }
  }
}
