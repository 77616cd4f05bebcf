import SystemPackage
import Testing

@testable import Episodes

@Suite struct PlanReaderTests {
  static let sound = """
    episodes: 3
    members: 2
    iterations: 35
    init: start.safetensors
    train: [trainer, --init, "{init}", [--state, "{state_in}"]]

    """

  static func read(_ text: String, set settings: [String] = []) throws -> Plan {
    try Plan(
      parsing: Array(text.utf8), path: "plan.yaml", folder: "/base",
      settings: settings.compactMap { Plan.Setting($0) })
  }

  @Test func defaults() throws {
    let plan = try PlanReaderTests.read(
      "iterations: 40\ninit: a.weights.h5\ntrain: [trainer]\n")
    #expect(plan.episodes == 20)
    #expect(plan.members == 2)
    #expect(plan.parallel == 2)
    #expect(plan.suffix == ".weights.h5")
    #expect(plan.ema == .off)
    #expect(plan.state == .carry)
    #expect(plan.attempts == 3)
    #expect(plan.timeout == nil)
    #expect(plan.slots == ["0", "1"])
  }

  @Test func iterationsAreSplitWithTheRemainderFirst() throws {
    let plan = try PlanReaderTests.read(PlanReaderTests.sound)
    #expect((1...4).map { plan.iterations(before: $0) } == [0, 12, 24, 35])
  }

  @Test func everyKey() throws {
    let plan = try PlanReaderTests.read(
      """
      episodes: 4
      members: 2
      iterations: 100
      init: {command: [maker, "{out}", "{seed}"]}
      suffix: .npz
      state_suffix: .pkl
      train: [trainer, "{lr}", "{{x}}", [--ema, "{ema_init}", "{ema_out}"]]
      seed: 7
      member_settings: [{lr: 0.1, name: a}, {lr: 0.2, name: b}]
      average: {method: linear, weights: [0.3, 0.7], recalibrate: [fix, "{init}", "{out}"]}
      ema: trainer
      evaluate: {command: [measure, "{init}"], metric: val.loss, mode: min, on: [averages, ema], every: 2}
      executor: {local: 1, devices: [cuda:0, cuda:1]}
      timeout: 2h
      heartbeat: 90
      grace: 2.5s
      attempts: 5
      keep: {averages: {every: 10}, members: {last: 2}}
      warm_start: 50
      require_change: false
      state: average
      tensorboard: yes
      select: best
      stop: {after: 4, of: recall.tail, mode: max}
      backoff: 0
      notify: [tell, "{event}"]
      environment: {CUDA_VISIBLE_DEVICES: "{slot}", N: 2}
      require_difference: no
      """)
    #expect(plan.select == .best)
    #expect(plan.stop == Plan.Stop(after: 4, metric: "recall.tail", mode: .max))
    #expect(plan.backoff == 0)
    #expect(plan.notify?.expanded(["event": "best"]) == ["tell", "best"])
    #expect(plan.environment.map(\.name) == ["CUDA_VISIBLE_DEVICES", "N"])
    #expect(plan.environment[0].value.expanded(["slot": "3"]) == ["3"])
    #expect(!plan.requireDifference)
    #expect(plan.train.expanded(["lr": "0.1"]) == ["trainer", "0.1", "{x}"])
    #expect(plan.memberSettings[1].map(\.value) == ["0.2", "b"])
    #expect(plan.average.weights == [0.3, 0.7])
    #expect(plan.ema == .trainer)
    #expect(plan.evaluate?.metric == "val.loss")
    #expect(plan.evaluate?.on == [.averages, .ema])
    #expect(plan.slots == ["cuda:0", "cuda:1"])
    #expect(plan.parallel == 1)
    #expect(plan.timeout == 7200)
    #expect(plan.heartbeat == 90)
    #expect(plan.grace == 2.5)
    #expect(plan.keepAverages == .every(10))
    #expect(plan.keepMembers == .last(2))
    #expect(plan.warmStart == 50)
    #expect(plan.requireChange == false)
    #expect(plan.state == .average)
    #expect(plan.tensorboard)
    #expect(plan.stateSuffix == ".pkl")
  }

  @Test(arguments: [
    ("episodes=x", "--set: 'episodes' must be a whole number from 1 to 1000000, not 'x'"),
    ("episodes=[", "--set: episodes=[: did not find expected node content"),
    ("averge.weights=[1, 2]", "--set: unknown key 'averge'; did you mean 'average'?"),
  ])
  func settingsThatAreWrongAreToldAsSuch(setting: String, message: String) {
    #expect {
      try PlanReaderTests.read(PlanReaderTests.sound, set: [setting])
    } throws: { error in
      (error as? PlanError)?.description.hasPrefix(message) == true
        && (error as? PlanError)?.problems.count == 1
    }
  }

  @Test func settingsReplaceKeysAndAddThem() throws {
    let plan = try PlanReaderTests.read(
      PlanReaderTests.sound, set: ["episodes=5", "average.weights=[1, 2]", "timeout=3m"])
    #expect(plan.episodes == 5)
    #expect(plan.average.weights == [1, 2])
    #expect(plan.timeout == 180)
  }

  @Test(arguments: [
    ("epsiodes: 3", "plan.yaml:6:1: unknown key 'epsiodes'; did you mean 'episodes'?"),
    ("warm_start: -1", "plan.yaml:6:13: 'warm_start' must be a whole number"),
    ("timeout: soon", "plan.yaml:6:10: 'timeout' must be a time such as 90s"),
    ("state: keep", "'state' must be carry or reset or average, not 'keep'"),
    ("ema: {checkpoint: 0.9}", "unknown key 'ema.checkpoint'; did you mean 'checkpoints'?"),
    ("ema: {checkpoints: 1.5}", "plan.yaml:6:20: 'ema.checkpoints' must be a decay"),
    ("average: {weights: [1]}", "plan.yaml:6:20: 'average.weights' must be a list of 2 numbers"),
    ("average: {weights: [1, -1]}", "sum to zero"),
    ("average: {integers: last}", "'average.integers' must be first or max or error"),
    ("average: {batch_norm: pool}", "'average.batch_norm' must be average or first or pooled"),
    ("average: {method: slerpp}", "'average.method' must be linear, not 'slerpp'"),
    ("evaluate: {command: [x]}", "'evaluate.metric' is missing"),
    (
      "evaluate: {command: [x], builtin: [y], metric: a}",
      "'evaluate' has both 'command' and 'builtin'"
    ),
    ("member_settings: [{lr: }, {lr: 1}]", "'member_settings.lr' must be a text or a number"),
    ("evaluate: {command: [x], metric: a, on: [ema]}", "there is no moving average to evaluate"),
    (
      "evaluate: {command: [x, '{inti}'], metric: a}",
      "no placeholder '{inti}'; did you mean 'init'?"
    ),
    ("executor: {lokal: parallel}", "unknown key 'executor.lokal'; did you mean 'local'?"),
    ("executor: {local: 2, devices: [0]}", "2 members at once need as many devices"),
    ("keep: {members: {last: 0}}", "'keep.members.last' must be a whole number"),
    ("member_settings: [{lr: 1}]", "one mapping for each of the 2 members"),
    ("member_settings: [{lr: 1}, {rate: 1}]", "every member must have the same settings: lr"),
    ("member_settings: [{lr: 1}, {lr: 2, seed: 2}]", "'seed' is a placeholder already"),
    ("require_change: perhaps", "'require_change' must be true or false, not 'perhaps'"),
    ("attempts: 0", "'attempts' must be a whole number from 1"),
    ("suffix: a/b", "'suffix' cannot hold a slash"),
    ("select: best", "'select: best' needs a metric: 'evaluate' is missing"),
    ("stop: {after: 3}", "'stop' needs a metric: 'evaluate' is missing"),
    ("stop: {aftr: 3}", "unknown key 'stop.aftr'; did you mean 'after'?"),
    ("backoff: never", "'backoff' must be a time"),
    ("notify: [x, '{evnt}']", "'notify' has no placeholder '{evnt}'; did you mean 'event'?"),
    ("environment: {IMWA_SEED: 3}", "'IMWA_SEED' cannot be a variable here"),
    ("environment: {A: [1]}", "'environment.A' must be a text or a number"),
    ("environment: {A: '{init}'}", "'environment.A' has no placeholder '{init}'"),
    ("environment: [A=1]", "'environment' must be a mapping"),
    ("evaluate: {command: [x, '{inits}', '{init}'], metric: a}", "'{inits}' is all files at once"),
    ("evaluate: {command: [x], metric: a, failure: ignore}", "must be stop or note, not 'ignore'"),
    ("evaluate: {command: [x], metric: a, timeout: 0}", "'evaluate.timeout' must be a time"),
  ])
  func oneThingIsWrong(line: String, message: String) {
    #expect {
      try PlanReaderTests.read(PlanReaderTests.sound + line + "\n")
    } throws: { error in
      let text = "\(error)"
      return text.contains(message) && text.hasPrefix("plan.yaml:6:")
    }
  }

  @Test(arguments: [
    ("iterations: 2\ninit: a.npz\ntrain: [x]\n", "20 episodes do not fit into 2 iterations"),
    ("init: a.npz\ntrain: [x]\n", "'iterations' is missing"),
    ("iterations:\ninit: a.npz\ntrain: [x]\n", "plan.yaml:1:1: 'iterations' is missing"),
    ("iterations: 20\ntrain: [x]\n", "plan.yaml:1:1: 'init' is missing"),
    ("iterations: 20\ninit: \"\"\ntrain: [x]\n", "plan.yaml:2:7: 'init' must be a path"),
    ("iterations: 20\ninit: a.npz\n", "'train' is missing"),
    ("iterations: 20\ninit: {command: [x]}\ntrain: [x]\n", "plan.yaml:2:1: 'suffix' is missing"),
    (
      "iterations: 20\ninit: a.npz\ntrain: python train.py\n",
      "plan.yaml:3:8: 'train' must be a list"
    ),
    (
      "iterations: 20\ninit: a.npz\ntrain: [x, '{state_in}']\n",
      "'{state_in}' has no value at times"
    ),
    ("iterations: 20\ninit: a.npz\ntrain: [x, '{init']\n", "'{' is not closed"),
    ("- 1\n", "a plan must consist of keys and values"),
    ("iterations: [\n", "plan.yaml:2:1:"),
  ])
  func thePlanIsWrong(text: String, message: String) {
    #expect {
      try PlanReaderTests.read(text)
    } throws: { error in
      "\(error)".contains(message)
    }
  }

  @Test func allProblemsAreTold() {
    #expect {
      try PlanReaderTests.read("episodes: x\nmembers: y\nfoo: 1\n")
    } throws: { error in
      (error as? PlanError)?.problems.count == 6
    }
  }
}
