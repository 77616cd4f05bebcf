import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

/// `imwa-train` as a run calls it.
@Suite struct StepCommandTests {
  private func run(_ arguments: [String], in folder: TemporaryFolder) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-train", arguments, in: folder.path)
  }

  private func start(_ arguments: [String] = []) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try run(["init", "-o", "start.safetensors"] + arguments, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return folder
  }

  @Test func networksLearnTheDigits() throws {
    let folder = try start()
    let step = try run(
      ["step", "--init", "start.safetensors", "--out", "end.safetensors", "--to-iteration", "400"],
      in: folder)
    #expect(step.status == 0, "\(step.errors)")
    let lines = step.output.split(separator: "\n")
    #expect(lines.count == 20)
    let last = try JSONValue(parsing: Array(lines[19].utf8))
    #expect(last["iteration"]?.integer == 400)
    #expect(try #require(last["loss"]?.double) < 0.1)
    #expect(try accuracy("start.safetensors", in: folder) < 0.4)
    #expect(try accuracy("end.safetensors", in: folder) > 0.95)
    let predictions = try run(["predict", "end.safetensors"], in: folder).output
      .split(separator: "\n").map { $0.split(separator: ",") }
    #expect(predictions.count == 481 && predictions[0].prefix(3) == ["label", "class", "p(0)"])
    let right = predictions.dropFirst().count { $0[0] == $0[1] }
    #expect(try Double(right) / 480 == accuracy("end.safetensors", in: folder))
  }

  private func accuracy(_ model: String, in folder: TemporaryFolder) throws -> Double {
    let result = try run(["evaluate", model], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let report = try JSONValue(parsing: Array(result.output.utf8))
    return try #require(report["accuracy"]?.double)
  }

  private static let options = [
    "--data", "digits", "--imbalance", "5", "--loss", "balanced-softmax", "--optimizer", "adamw",
    "--learning-rate", "0.003", "--schedule", "cosine", "--warmup-iterations", "10",
    "--weight-decay", "0.01", "--batch-size", "20", "--input-noise", "0.1", "--ema-decay", "0.9",
  ]

  /// What the options say, for the library.
  private static func settings() throws -> (settings: TrainingSettings, data: DataSet) {
    var settings = TrainingSettings()
    settings.loss = .balancedSoftmax
    settings.optimizer = .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
    settings.learningRate = 0.003
    settings.schedule = LearningRateSchedule(.cosine(final: 0), warmUpIterations: 10)
    settings.weightDecay = 0.01
    settings.batchSize = 20
    settings.inputNoise = 0.1
    settings.averageDecay = 0.9
    var source = DataSource(.digits)
    source.imbalance = 5
    return (settings, try source.load().training)
  }

  /// Three processes, with everything carried over in files, and one call of the library.
  @Test func processesGiveTheBitsOfTheLibrary() throws {
    let folder = try start(["--batch-norm", "--model", "mlp:24,17", "--imbalance", "5"])
    for (index, range) in [(0, 1), (1, 40), (40, 60)].enumerated() {
      var arguments = ["step"] + Self.options + ["--seed", "3", "--total-iterations", "60"]
      arguments += ["--from-iteration", "\(range.0)", "--to-iteration", "\(range.1)"]
      let names = ["out": "model", "ema-out": "ema", "state-out": "state"]
      for (option, name) in names.sorted(by: { $0.key < $1.key }) {
        arguments += ["--\(option)", "\(name)-\(index).safetensors"]
      }
      arguments += ["--init", index == 0 ? "start.safetensors" : "model-\(index - 1).safetensors"]
      if index > 0 {
        arguments += ["--ema-init", "ema-\(index - 1).safetensors"]
        arguments += ["--state-in", "state-\(index - 1).safetensors"]
      }
      let result = try run(arguments, in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    let (settings, data) = try Self.settings()
    var step = TrainingStep(
      from: FilePath(folder.file("start.safetensors")),
      to: FilePath(folder.file("whole.safetensors")))
    step.averageOutput = FilePath(folder.file("ema.safetensors"))
    step.stateOutput = FilePath(folder.file("state"))
    step.seed = 3
    step.iterations = 0..<60
    step.totalIterations = 60
    step.settings = settings
    try step.run(on: data)
    #expect(try folder.read("model-2.safetensors") == folder.read("whole.safetensors"))
    #expect(try folder.read("ema-2.safetensors") == folder.read("ema.safetensors"))
    #expect(try folder.read("state-2.safetensors") == folder.read("state"))
    #expect(try folder.read("whole.safetensors") != folder.read("ema.safetensors"))
  }

  @Test func aRunSpeaksThroughTheEnvironment() throws {
    let folder = try start()
    let arguments = [
      "step", "--init", "start.safetensors", "--out", "a.safetensors", "--state-out", "as",
      "--seed",
      "12345678901234567890", "--from-iteration", "-5", "--to-iteration", "3",
      "--total-iterations", "10",
    ]
    #expect(try run(arguments, in: folder).status == 0)
    let variables = [
      "INIT": "start.safetensors", "OUT": "b.safetensors", "STATE_OUT": "bs",
      "SEED": "12345678901234567890", "FROM_ITERATION": "-5", "TO_ITERATION": "3",
      "TOTAL_ITERATIONS": "10",
    ]
    let environment = Dictionary(
      uniqueKeysWithValues: variables.map { ("IMWA_" + $0.key, $0.value) })
    let process = try ToolProcess(
      "imwa-train", ["step"], environment: environment, in: folder.path)
    try process.start()
    let result = try process.finish()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try folder.read("a.safetensors") == folder.read("b.safetensors"))
    #expect(try folder.read("as") == folder.read("bs"))
  }

  @Test func formatsMakeNoDifference() throws {
    let folder = try start(["--batch-norm"])
    for (from, to) in [
      ("start.safetensors", "a.safetensors"), ("start.safetensors", "b.weights.h5"),
      ("b.weights.h5", "c.safetensors"), ("a.safetensors", "d.safetensors"),
    ] {
      let result = try run(
        ["step", "--init", from, "--out", to, "--to-iteration", "30"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(try folder.read("c.safetensors") == folder.read("d.safetensors"))
    #expect(try folder.read("a.safetensors") != folder.read("d.safetensors"))
  }

  @Test func nothingIsLeftOfAStepThatFails() throws {
    let folder = try start()
    let diverging = try run(
      [
        "step", "--init", "start.safetensors", "--out", "end.safetensors", "--state-out", "state",
        "--to-iteration", "400", "--learning-rate", "1e30",
      ],
      in: folder)
    #expect(diverging.status == 65)
    #expect(diverging.errors.contains("training diverged"))
    #expect(try folder.names() == ["start.safetensors"])
  }

  @Test(arguments: [
    (["--out", "x.safetensors", "--to-iteration", "1"], 64, "--init is missing"),
    (["--init", "start.safetensors", "--to-iteration", "1"], 64, "--out is missing"),
    (["--init", "start.safetensors", "--out", "x.safetensors"], 64, "--to-iteration is missing"),
    (["--from-iteration", "5", "--to-iteration", "3"], 64, "is behind"),
    (["--to-iteration", "3", "--total-iterations", "2"], 64, "the training at 2"),
    (["--to-iteration", "1", "--loss", "hinge"], 64, "there is no loss 'hinge'"),
    (["--to-iteration", "1", "--data", "imagenet"], 64, "there is no data 'imagenet'"),
    (["--to-iteration", "1", "--data", "gaussian-mixture"], 65, "64 features"),
    (["--to-iteration", "1", "--data", "csv:none.csv"], 66, "none.csv"),
    (["--to-iteration", "1", "--state-in", "none"], 66, "none: no such file"),
    (["--to-iteration", "1", "--ema-out", "e.safetensors"], 64, "needs a decay"),
    (["--to-iteration", "1", "--ema-decay", "0.9"], 64, "would be lost"),
    (["--to-iteration", "1", "--momentum", "1"], 64, "momentum must be"),
    (["--to-iteration", "1", "--batch-size", "0"], 64, "batch size must be"),
    (
      ["--to-iteration", "1", "--state-in", "start.safetensors"], 65, "'optimizer.step' is missing"
    ),
    (["--to-iteration", "1", "--state-out", "start.safetensors"], 73, "it exists already"),
  ])
  func mistakesAreToldBeforeAnythingIsTrained(
    arguments: [String], status: Int32, sentence: String
  ) throws {
    let folder = try start()
    var all = ["step"] + arguments
    if !arguments.contains("--init") && !arguments.contains("--out") {
      all += ["--init", "start.safetensors", "--out", "x.safetensors"]
    }
    let result = try run(all, in: folder)
    #expect(result.status == status)
    #expect(result.errors.contains(sentence), "\(result.errors)")
    #expect(result.output == "")
    #expect(try folder.names() == ["start.safetensors"])
  }
}
