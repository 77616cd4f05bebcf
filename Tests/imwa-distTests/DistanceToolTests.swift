import Foundation
import JSONText
import TestSupport
import Testing

/// The tool as a process.
@Suite struct DistanceToolTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write("a", [1, 2, 2], mean: 1)
    try write("b", [1, 2, 5], mean: 2)
    try write("c", [1, 6, 2], mean: 3)
  }

  private func write(_ name: String, _ values: [Float], mean: Float? = nil) throws {
    var entries = [SafetensorsFile.Entry("h.0.w", values)]
    if let mean { entries.append(.init("bn.running_mean", [mean])) }
    try folder.write("\(name).safetensors", SafetensorsFile.encode(entries))
  }

  private func run(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-dist", arguments, in: folder.path)
  }

  private func json(_ arguments: String...) throws -> JSONValue {
    let result = try ToolProcess.run("imwa-dist", arguments + ["--json"], in: folder.path)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONValue(parsing: Array(result.output.utf8))
  }

  @Test func twoModelsAreOneNumber() throws {
    let result = try run("a.safetensors", "b.safetensors")
    #expect(result.status == 0)
    #expect(result.output == "3 parameters in 1 tensor\n\nL2 distance  3\n")
    #expect(
      result.errors
        == "imwa-dist: note: 1 tensor of BatchNorm statistics left out; --all-tensors includes them\n"
    )
  }

  @Test func threeModelsAreAMatrixWithTheirSpread() throws {
    let result = try run("*.safetensors", "-q", "--metric", "l2").output
    #expect(result == "")
    let lines = try run("*.safetensors").output.split(separator: "\n").map(String.init)
    #expect(lines[0] == "1  a.safetensors")
    #expect(lines.contains("L2 distance  1  2  3"))
    #expect(lines.contains("1            –  3  4"))
    #expect(lines.contains("3            4  5  –"))
    #expect(lines.contains { $0.hasPrefix("L2 distance to the mean") })
    #expect(lines.contains { $0.hasPrefix("norm of the mean / mean norm") })
  }

  @Test func jsonHasWhatTheManualSays() throws {
    let result = try json(
      "a.safetensors", "b.safetensors", "--base", "c.safetensors", "--per-tensor")
    guard case .object(let members) = result else { return #expect(Bool(false)) }
    #expect(
      members.map(\.key) == [
        "models", "base", "metric", "normalized", "parameters", "tensor_count", "left_out", "pairs",
        "from_base", "layers", "tensors", "spread", "norm_of_mean", "mean_norm", "mean_norm_ratio",
        "undefined", "non_finite",
      ])
    guard case .array(let pairs)? = result["pairs"], case .object(let pair)? = pairs.first else {
      return #expect(Bool(false))
    }
    #expect(
      pair.map(\.key) == [
        "a", "b", "l2", "relative_l2", "cosine", "task_cosine", "task_size",
      ])
    #expect(pairs[0]["l2"]?.double == 3)
    #expect(pairs[0]["task_cosine"]?.double == 0.8)
    guard case .array(let fromBase)? = result["from_base"] else { return #expect(Bool(false)) }
    #expect(fromBase.map { $0["l2"]?.double } == [4, 5])
    guard case .array(let tensors)? = result["tensors"] else { return #expect(Bool(false)) }
    #expect(tensors.map { $0["name"]?.string } == ["h.0.w"])
  }

  @Test func csvHasALineForEachValue() throws {
    try write("with,comma", [0, 0, 0], mean: 0)
    let lines = try run("a.safetensors", "with,comma.safetensors", "--csv", "--metric", "max")
      .output
      .split(separator: "\n")
    #expect(lines[0] == "scope,name,parameters,a,b,metric,value,place")
    #expect(lines[1] == "all,,3,a.safetensors,\"with,comma.safetensors\",max,2.0,h.0.w [1]")
    #expect(lines.count == 5)
  }

  @Test func gatesDecideTheExitCode() throws {
    #expect(try run("a.safetensors", "b.safetensors", "--fail-above", "3").status == 0)
    #expect(try run("a.safetensors", "b.safetensors", "--fail-below", "3").status == 0)
    let above = try run("*.safetensors", "--fail-above", "4.5")
    #expect(above.status == 1)
    #expect(above.errors.contains("l2 of b.safetensors and c.safetensors is 5, above 4.5"))
    #expect(try run("a.safetensors", "a.safetensors", "--fail-below", "1e-9").status == 1)
    #expect(
      try run("a.safetensors", "b.safetensors", "--metric", "cosine", "--fail-above=-1").status == 1
    )
    #expect(
      try run("a.safetensors", "b.safetensors", "--metric", "all", "--fail-above", "1").status == 64
    )
  }

  @Test func allTensorsCount() throws {
    let result = try json("a.safetensors", "c.safetensors", "--all-tensors")
    guard case .array(let pairs)? = result["pairs"] else { return #expect(Bool(false)) }
    #expect(pairs[0]["l2"]?.double == (20.0).squareRoot())
  }

  @Test func tensorsAreSortedAndCut() throws {
    for (name, values) in [("d", [1, 5, 2]), ("e", [2, 1, 9])] as [(String, [Float])] {
      try folder.write(
        "\(name).safetensors",
        SafetensorsFile.encode(
          values.enumerated().map { .init("t\($0.offset)", [$0.element]) }))
    }
    let models = ["d.safetensors", "e.safetensors", "--per-tensor", "--csv"]
    func names(_ options: String...) throws -> [Substring] {
      try ToolProcess.run("imwa-dist", models + options, in: folder.path).output
        .split(separator: "\n").filter { $0.hasPrefix("tensor,") }.map {
          $0.split(separator: ",")[1]
        }
    }
    #expect(try names() == ["t0", "t1", "t2"])
    #expect(try names("--sort", "distance") == ["t2", "t1", "t0"])
    #expect(try names("--top", "2") == ["t2", "t1"])
    #expect(try names("--metric", "sign-agreement", "--top", "1") == ["t0"])
    #expect(try names("--include", "t[01]", "--sort", "name") == ["t0", "t1"])
  }

  @Test(arguments: ["heat.svg", "heat.png"])
  func picturesAreWrittenOnce(name: String) throws {
    let models = ["a.safetensors", "b.safetensors", "c.safetensors", "-q", "--plot", name]
    #expect(try ToolProcess.run("imwa-dist", models, in: folder.path).status == 0)
    let bytes = try folder.read(name)
    #expect(bytes.count > 500)
    #expect(try ToolProcess.run("imwa-dist", models, in: folder.path).status == 73)
    let again = try ToolProcess.run("imwa-dist", models + ["--force"], in: folder.path)
    #expect(again.status == 0)
    #expect(try folder.read(name) == bytes)
    #expect(try folder.names().filter { $0.hasPrefix(".") } == [])
  }

  @Test func picturesFollowTheOptions() throws {
    func picture(_ options: String...) throws -> String {
      let arguments = ["*.safetensors", "-q", "--force", "--plot", "p.svg"] + options
      #expect(try ToolProcess.run("imwa-dist", arguments, in: folder.path).status == 0)
      return String(decoding: try folder.read("p.svg"), as: UTF8.self)
    }
    #expect(try picture().contains("<title>L2 distance between 3 models, 3 parameters</title>"))
    #expect(try picture("--per-layer").contains("by layer</title>"))
    #expect(try picture("--map").contains("<title>Map of 3 models"))
    let map = try picture("--base", "a.safetensors", "--map")
    #expect(map.contains(">base</text>"))
    #expect(map.contains("<title>Map of 3 models and the base by"))
    #expect(try picture("--base", "a.safetensors").contains("between 3 models and the base, "))
    #expect(
      try picture("--base", "a.safetensors", "--metric", "task-cosine").contains("3 models, "))
  }

  @Test func manyPairsAreDrawnAsTheirMeanAndRange() throws {
    for number in 0..<5 { try write("m\(number)", [Float(number), 2, 2], mean: 1) }
    let result = try run("*.safetensors", "-q", "--per-layer", "--plot", "p.svg")
    #expect(result.status == 0, "\(result.errors)")
    let picture = String(decoding: try folder.read("p.svg"), as: UTF8.self)
    for text in ["mean", "smallest", "largest", "of 28 pairs"] {
      #expect(picture.contains(">\(text)</text>"), "\(text)")
    }
    #expect(!picture.contains("1–2"))
  }

  @Test func squaresThatLeaveTheRangeDoNotHideWhatNeedsNone() throws {
    func write(_ name: String, _ value: Double) throws {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      try folder.write(name, SafetensorsFile.encode([.init("w", "F64", [1], bytes)]))
    }
    try write("x.safetensors", 1e-200)
    try write("y.safetensors", -1e-200)
    let refused = try run("x.safetensors", "y.safetensors")
    #expect(refused.status == 65)
    #expect(refused.errors.contains("squares are too small for F64, and l2 is made of them"))
    let told = try json("x.safetensors", "y.safetensors", "--metric", "l1")
    guard case .array(let pairs)? = told["pairs"] else { return #expect(Bool(false)) }
    #expect(pairs[0]["l1"]?.double == 2e-200)
    #expect(pairs[0]["l2"] == .null)
    #expect(
      told["undefined"] == .array(["l2", "relative-l2", "cosine", "spread"].map { .string($0) }))
  }

  /// The pictures in the documents are what the tool draws today.
  @Test(arguments: [
    ("distances.svg", "cnn_bn_s", ".safetensors", ""),
    ("depth.svg", "hf/llama_sharded_s", "", "--per-layer --metric rms"),
  ])
  func picturesOfTheDocumentsAreThoseOfTheFixtures(
    name: String, stem: String, ending: String, options: String
  ) throws {
    let models = (1...3).map { Fixtures.path("safetensors/\(stem)\($0)\(ending)") }
    let options = options.split(separator: " ").map(String.init)
    let result = try ToolProcess.run(
      "imwa-dist", models + ["-q", "--plot", name] + options, in: folder.path)
    #expect(result.status == 0)
    let committed = Fixtures.package.appendingPathComponent("docs/pictures/\(name)").path
    #expect(try String(contentsOfFile: committed, encoding: .utf8) == text(of: name))
  }

  private func text(of name: String) throws -> String {
    String(decoding: try folder.read(name), as: UTF8.self)
  }

  @Test func aPictureIsNoModel() throws {
    let bytes = try folder.read("a.safetensors")
    try folder.write("model.png", bytes)
    let result = try run("a.safetensors", "model.png", "--plot", "model.png", "--force")
    #expect(result.status == 64)
    #expect(try folder.read("model.png") == bytes)
  }

  @Test func mismatchesAreListedTogether() throws {
    try write("other", [1, 2])
    let result = try run("a.safetensors", "other.safetensors")
    #expect(result.status == 65)
    #expect(result.errors.contains("2 mismatches"))
    #expect(result.errors.contains("expected shape [3] as in a.safetensors, found [2]"))
    #expect(try run("a.safetensors", "other.safetensors", "--missing", "intersect").status == 65)
  }

  @Test func nanIsNamed() throws {
    try write("bad", [1, .nan, 2], mean: 0)
    let refused = try run("a.safetensors", "bad.safetensors")
    #expect(refused.status == 65)
    #expect(refused.errors.contains("bad.safetensors: tensor 'h.0.w': NaN at [1]"))
    let allowed = try run("a.safetensors", "bad.safetensors", "--allow-nan")
    #expect(allowed.status == 0)
    #expect(allowed.output.contains("L2 distance  nan"))
    #expect(allowed.errors.contains("NaN at [1]"))
    #expect(
      try run("a.safetensors", "bad.safetensors", "--allow-nan", "--fail-above", "9").status == 1)
    guard
      case .array(let places)? = try json("a.safetensors", "bad.safetensors", "--allow-nan")[
        "non_finite"]
    else { return #expect(Bool(false)) }
    #expect(places.count == 1)
  }

  @Test(arguments: [
    "a.safetensors", "a.safetensors b.safetensors --metric none",
    "a.safetensors b.safetensors --csv --json", "a.safetensors b.safetensors --top 3",
    "a.safetensors b.safetensors --plot p.gif", "a.safetensors b.safetensors --map --metric cosine",
    "a.safetensors b.safetensors --force", "a.safetensors b.safetensors --metric task-cosine",
    "a.safetensors b.safetensors --include nothing", "a.safetensors b.safetensors --fail-above nan",
  ])
  func requestsThatMakeNoSenseAreRefused(arguments: String) throws {
    let words = arguments.split(separator: " ").map(String.init)
    #expect(try ToolProcess.run("imwa-dist", words, in: folder.path).status == 64)
  }

  @Test func missingAndDamagedFilesAreTold() throws {
    #expect(try run("a.safetensors", "none.safetensors").status == 66)
    try folder.write("cut.safetensors", Array(try folder.read("a.safetensors").dropLast()))
    #expect(try run("a.safetensors", "cut.safetensors").status == 65)
  }

  @Test func namesWithControlCharactersCannotForgeLines() throws {
    try folder.write(
      "x.safetensors", SafetensorsFile.encode([.init("w\n2 parameters", [1])]))
    try folder.write(
      "y.safetensors", SafetensorsFile.encode([.init("w\n2 parameters", [2])]))
    let output = try run("x.safetensors", "y.safetensors", "--per-tensor").output
    #expect(!output.contains("\n2 parameters"))
  }
}
