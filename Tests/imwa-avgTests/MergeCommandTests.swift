import Foundation
import JSONText
import TestSupport
import Testing

@Suite struct MergeCommandTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write("a", [1, 2], steps: 7)
    try write("b", [3, 6], steps: 9)
  }

  private func write(_ name: String, _ values: [Float], steps: UInt8? = nil) throws {
    var entries = [SafetensorsFile.Entry("w", values)]
    if let steps {
      entries.append(.init("n", "I64", [], [steps] + [UInt8](repeating: 0, count: 7)))
    }
    try folder.write(
      "\(name).safetensors",
      SafetensorsFile.encode(entries, metadata: ["format": "pt", "of": name]))
  }

  private func merge(_ arguments: String..., limits: String? = nil) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-avg", ["merge"] + arguments, limits: limits, in: folder.path)
  }

  private func output(_ name: String = "o.safetensors") throws -> (
    tensors: [String: SafetensorsFile.Entry], metadata: [String: String]
  ) {
    try SafetensorsFile.decode(try folder.read(name))
  }

  @Test func writesTheMeanAndSaysSo() throws {
    let result = try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.output.contains("o.safetensors: mean of 2 checkpoints, 2 tensors"))
    #expect(result.output.contains("1 integer tensor differs: taken from a.safetensors"))
    #expect(result.output.split(separator: "\n").count == 1)
    #expect(try output().tensors["w"]?.floats == [2, 4])
    #expect(try output().tensors["n"]?.bytes.first == 7)
    #expect(try output().metadata["format"] == "pt")
    #expect(try output().metadata["of"] == "a")
  }

  @Test func recordsHowItWasMade() throws {
    _ = try merge(
      "a.safetensors", "b.safetensors", "-o", "o.safetensors", "--weights", "1,3", "--hash-inputs")
    let text = try #require(try output().metadata["imwa"])
    let record = try JSONValue(parsing: Array(text.utf8))
    #expect(record["method"]?.string == "linear")
    guard case .array(let inputs)? = record["inputs"] else {
      Issue.record("no inputs in \(text)")
      return
    }
    #expect(inputs.map { $0["name"]?.string } == ["a.safetensors", "b.safetensors"])
    #expect(inputs.map { $0["weight"]?.double } == [1, 3])
    #expect(inputs.allSatisfy { $0["sha256"]?.string?.count == 64 })
    _ = try merge("a.safetensors", "b.safetensors", "-o", "p.safetensors", "--no-provenance")
    #expect(try output("p.safetensors").metadata == ["format": "pt", "of": "a"])
  }

  @Test func sameInputsGiveTheSameBytes() throws {
    for name in ["o", "p"] {
      _ = try merge("a.safetensors", "b.safetensors", "-o", "\(name).safetensors")
    }
    #expect(try folder.read("o.safetensors") == folder.read("p.safetensors"))
  }

  @Test(arguments: [
    ("0.75,0.25", [1.5, 3]), ("-1,2", [5, 10]), ("0,1", [3, 6]), ("1e0, 1", [2, 4]),
  ])
  func weightsAreApplied(weights: String, expected: [Float]) throws {
    let result = try merge(
      "a.safetensors", "b.safetensors", "--weights", weights, "-o", "o.safetensors")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try output().tensors["w"]?.floats == expected)
  }

  @Test(
    arguments: [
      (["--weights", "1"], "1 weights for 2 inputs"), (["--weights", "1,-1"], "sum to zero"),
      (["--weights", "1,x"], "weights"), (["--out-dtype", "I8"], "out-dtype"),
      (["--threads", "0"], "--threads"), (["--last", "0"], "--last"),
      (["--best", "1"], "--metric"),
      (["--metric", "loss"], "--best"), (["--include", "none.*"], "matches no tensor"),
      (["--frobnicate"], "--frobnicate"), (["--max-shard-size", "0"], "max-shard-size"),
      (["--hash-inputs", "--no-provenance"], "--hash-inputs"), (["a.safetensors"], "the same file"),
    ] as [([String], String)])
  func commandLinesWithoutSenseAreRefused(extra: [String], words: String) throws {
    let result = try ToolProcess.run(
      "imwa-avg",
      ["merge", "a.safetensors", "b.safetensors", "-o", "o.safetensors"] + extra, in: folder.path)
    #expect(result.status == 64, "\(extra): \(result.errors)")
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(try !folder.names().contains("o.safetensors"))
  }

  @Test func aLinkToTheSameFileIsTheSameFile() throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("c.safetensors"), withDestinationPath: "a.safetensors")
    #expect(try merge("a.safetensors", "c.safetensors", "-o", "o.safetensors").status == 64)
    let weighted = try merge(
      "a.safetensors", "c.safetensors", "--weights", "1,2", "-o", "o.safetensors")
    #expect(weighted.status == 0)
    #expect(weighted.errors.contains("same file"))
  }

  @Test func mismatchesAreListedTogether() throws {
    try write("c", [1, 2, 3])
    let result = try merge("a.safetensors", "c.safetensors", "-o", "o.safetensors")
    #expect(result.status == 65)
    #expect(result.errors.contains("c.safetensors: tensor 'n' is missing"))
    #expect(result.errors.contains("expected shape [2] as in a.safetensors, found [3]"))
    #expect(try !folder.names().contains { $0.contains("o.safetensors") })
  }

  @Test func exitCodesTellWhatIsWrong() throws {
    #expect(try merge("none.safetensors", "-o", "o.safetensors").status == 66)
    try folder.write("bad.safetensors", text: "not a checkpoint at all")
    #expect(try merge("bad.safetensors", "-o", "o.safetensors").status == 65)
    #expect(try merge("a.safetensors", "-o", "none/o.safetensors").status == 73)
    #expect(try merge("a.safetensors", "b.safetensors", "-o", "b.safetensors").status == 73)
    #expect(try merge("a.safetensors", "-o", "o.gguf").status == 64)
    try write("nan", [1, .nan], steps: 1)
    let nan = try merge("a.safetensors", "nan.safetensors", "-o", "o.safetensors")
    #expect(nan.status == 65)
    #expect(nan.errors.contains("nan.safetensors: tensor 'w': NaN at [1]"))
    #expect(
      try folder.names() == [
        "a.safetensors", "b.safetensors", "bad.safetensors", "nan.safetensors",
      ])
    #expect(
      try merge("a.safetensors", "nan.safetensors", "-o", "o.safetensors", "--allow-nan").status
        == 0)
  }

  @Test func aFullDiskLeavesNothingBehind() throws {
    try write("big1", [Float](repeating: 1, count: 100_000))
    try write("big2", [Float](repeating: 2, count: 100_000))
    let result = try merge(
      "big1.safetensors", "big2.safetensors", "-o", "o.safetensors", limits: "-f 100")
    #expect(result.status == 74, "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 2)
    #expect(try !folder.names().contains { $0.contains("o.safetensors") })
  }

  @Test func anInputMayBeReplacedWhenAsked() throws {
    let result = try merge("a.safetensors", "b.safetensors", "-o", "a.safetensors", "--force")
    #expect(result.status == 0)
    #expect(try output("a.safetensors").tensors["w"]?.floats == [2, 4])
    #expect(try folder.names() == ["a.safetensors", "b.safetensors"])
  }

  @Test func aDryRunWritesNothing() throws {
    let result = try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors", "--dry-run")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("would write o.safetensors: mean of 2 checkpoints"))
    #expect(try folder.names() == ["a.safetensors", "b.safetensors"])
    #expect(
      try merge("a.safetensors", "b.safetensors", "-o", "b.safetensors", "--dry-run").status == 73)
  }

  @Test func jsonIsOneObject() throws {
    let result = try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors", "--json")
    let value = try JSONValue(parsing: Array(result.output.utf8))
    #expect(value["tensors"]?.integer == 2)
    #expect(value["written"] == .bool(true))
    #expect(value["differing_integers"] == .array([.string("n")]))
    #expect(value["bytes"]?.integer == (try folder.read("o.safetensors").count))
  }

  @Test func quietSaysNothing() throws {
    let result = try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors", "--quiet")
    #expect(result.output == "" && result.errors == "")
  }

  @Test func integersFollowTheOption() throws {
    #expect(
      try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors", "--integers", "error")
        .status
        == 65)
    let result = try merge(
      "a.safetensors", "b.safetensors", "-o", "o.safetensors", "--integers", "max")
    #expect(result.output.contains("the largest"))
    #expect(try output().tensors["n"]?.bytes.first == 9)
  }

  @Test func unionAndIntersection() throws {
    try folder.write(
      "c.safetensors", SafetensorsFile.encode([.init("w", [5, 10]), .init("extra", [8])]))
    let union = try merge(
      "a.safetensors", "c.safetensors", "-o", "o.safetensors", "--missing", "union", "--weights",
      "1,3")
    #expect(union.status == 0, "\(union.errors)")
    #expect(union.errors.contains("'extra' is only in c.safetensors"))
    #expect(try output().tensors["extra"]?.floats == [8])
    #expect(try output().tensors["w"]?.floats == [4, 8])
    let intersection = try merge(
      "a.safetensors", "c.safetensors", "-o", "p.safetensors", "--missing", "intersect")
    #expect(intersection.status == 0)
    #expect(try Set(output("p.safetensors").tensors.keys) == ["w"])
  }

  @Test func theLastAndTheBestAreChosen() throws {
    for (step, loss) in [(9, 0.5), (10, 0.25), (100, 0.75)] {
      try write("step-\(step)", [Float(step), 0])
      try folder.write("step-\(step).json", text: "{\"loss\": \(loss)}")
    }
    let last = try merge("step-*.safetensors", "--last", "2", "-o", "o.safetensors")
    #expect(last.errors.contains("step-10.safetensors, step-100.safetensors"))
    #expect(try output().tensors["w"]?.floats == [55, 0])
    let best = try merge(
      "step-*.safetensors", "--best", "2", "--metric", "loss", "--mode", "min", "-o",
      "p.safetensors")
    #expect(best.errors.contains("(loss 0.25)"))
    #expect(try output("p.safetensors").tensors["w"]?.floats == [9.5, 0])
  }

  @Test func outputsOfAnotherDType() throws {
    let result = try merge(
      "a.safetensors", "b.safetensors", "-o", "o.safetensors", "--out-dtype", "bfloat16")
    #expect(result.status == 0)
    #expect(try output().tensors["w"]?.dtype == "BF16")
    #expect(try output().tensors["w"]?.bytes == [0x00, 0x40, 0x80, 0x40])
    #expect(try output().tensors["n"]?.dtype == "I64")
  }

  @Test func shardsAndSidecars() throws {
    for name in ["m1", "m2"] {
      try folder.write(
        "\(name)/model.safetensors",
        SafetensorsFile.encode(
          [.init("w", [1, 2]), .init("v", [3, 4])], metadata: ["format": "pt"]))
      for sidecar in ["config.json", "tokenizer.json", "chat_template.jinja", "trainer_state.json"]
      {
        try folder.write("\(name)/\(sidecar)", text: "{\"of\": \"\(name)\"}")
      }
    }
    let result = try merge("m1", "m2", "-o", "out", "--max-shard-size", "8")
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      try folder.names(in: "out") == [
        "chat_template.jinja", "config.json", "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json",
      ])
    #expect(try folder.read("out/config.json") == folder.read("m1/config.json"))
    #expect(try merge("m1", "m2", "-o", "out").status == 73)
    #expect(try merge("m1", "m2", "-o", "out", "--force").status == 0)
    #expect(
      try folder.names(in: "out").filter { $0.hasSuffix("safetensors") } == ["model.safetensors"])
    let single = try merge("m1", "m2", "-o", "single.safetensors")
    #expect(single.status == 0)
    #expect(try output("single.safetensors").tensors.count == 2)
  }

  @Test func aRepeatedRunDoesNotAverageItsOwnResult() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("ck"), withIntermediateDirectories: false)
    for name in ["a", "b"] {
      try folder.write("ck/\(name).safetensors", try folder.read("\(name).safetensors"))
    }
    _ = try merge("ck", "-o", "ck/avg.safetensors")
    let again = try merge("ck", "-o", "ck/avg.safetensors", "--force")
    #expect(again.output.contains("mean of 2 checkpoints"))
    #expect(again.errors.contains("is the output and no input"))
  }

  @Test func aModelKeepsTheNameOfItsFile() throws {
    for name in ["d1", "d2"] {
      try folder.write(
        "\(name)/diffusion_pytorch_model.safetensors", SafetensorsFile.encode([.init("w", [1])]))
      try folder.write("\(name)/eval_results.json", text: "{}")
    }
    #expect(try merge("d1", "d2", "-o", "d2", "--force").status == 0)
    #expect(
      try folder.names(in: "d2") == ["diffusion_pytorch_model.safetensors", "eval_results.json"])
    #expect(try merge("d1", "d2", "-o", "d3").status == 0)
    #expect(try folder.names(in: "d3") == ["diffusion_pytorch_model.safetensors"])
  }

  @Test func weightsThatNearlyCancelAreTold() throws {
    try write("c", [1, 1], steps: 1)
    let result = try merge(
      "a.safetensors", "b.safetensors", "c.safetensors", "--weights", "0.1,0.2,-0.3", "-o",
      "o.safetensors")
    #expect(result.errors.contains("nearly cancel"))
  }

  @Test func verificationPasses() throws {
    #expect(
      try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors", "--verify").status == 0)
  }

  @Test func controlCharactersOfNamesDoNotReachTheTerminal() throws {
    try folder.write("c.safetensors", SafetensorsFile.encode([.init("w\u{1B}[31m", [1, 2])]))
    let result = try merge("a.safetensors", "c.safetensors", "-o", "o.safetensors")
    #expect(result.status == 65)
    #expect(!result.errors.contains("\u{1B}"))
  }
}
