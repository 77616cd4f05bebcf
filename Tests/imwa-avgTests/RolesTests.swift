import JSONText
import TestSupport
import Testing

/// What tensors are taken for, from the command line to the file; the fixtures are written by the real libraries.
@Suite struct RolesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ tool: String, _ arguments: [String]) throws -> ToolProcess.Result {
    try ToolProcess.run(tool, arguments, in: folder.path)
  }

  private func merge(_ arguments: String...) throws -> ToolProcess.Result {
    try run("imwa-avg", ["merge"] + arguments)
  }

  private func pair(_ first: String, _ second: String) -> [String] {
    [first, second].map { Fixtures.path("roles/\($0)") }
  }

  @Test(arguments: ["torchao", "exl2"])
  func codesOfUnknownWritersAreRefused(writer: String) throws {
    let inputs = pair("\(writer)_a.safetensors", "\(writer)_b.safetensors")
    let result = try run("imwa-avg", ["merge"] + inputs + ["-o", "o.safetensors"])
    #expect(result.status == 65)
    #expect(result.errors.contains("quantised"))
    #expect(try folder.names() == [])
    let asked = try run(
      "imwa-avg", ["merge"] + inputs + ["--integers", "first", "-o", "o.safetensors"])
    #expect(asked.status == 0, "\(asked.errors)")
    #expect(asked.output.contains("tensors of quantised layers differ: taken from"))
    // Scales go with their codes.
    let first = try SafetensorsFile.decode(try Fixtures.bytes("roles/\(writer)_a.safetensors"))
    let merged = try SafetensorsFile.decode(try folder.read("o.safetensors"))
    for (name, entry) in first.tensors where name.contains("scale") {
      #expect(merged.tensors[name]?.bytes == entry.bytes)
    }
  }

  @Test func integersThatAreTooManyForCountersAreRefused() throws {
    for (name, fill) in [("a", UInt8(1)), ("b", 2)] {
      let codes = SafetensorsFile.Entry("t", "I8", [33], [UInt8](repeating: fill, count: 33))
      let counter = SafetensorsFile.Entry("n", "I8", [32], [UInt8](repeating: fill, count: 32))
      try folder.write(
        "\(name).safetensors", SafetensorsFile.encode([.init("w", [1]), codes, counter]))
    }
    let refused = try merge("a.safetensors", "b.safetensors", "-o", "o.safetensors")
    #expect(refused.status == 65)
    #expect(
      refused.errors.contains("tensor 't' of I8 differs") && refused.errors.contains("33 values"))
    let asked = try merge(
      "a.safetensors", "b.safetensors", "--integers", "first", "-o", "o.safetensors")
    #expect(asked.status == 0, "\(asked.errors)")
    let kept = try merge(
      "a.safetensors", "b.safetensors", "--exclude", "t", "-o", "p.safetensors")
    #expect(kept.output.contains("1 integer tensor differs: taken from a.safetensors"))
  }

  @Test(arguments: [
    ("gan_a.pth", "gan_b.pth", 32, 4), ("gan_1.weights.h5", "gan_2.weights.h5", 77, 8),
  ])
  func severalOptimizersAreNoPartOfAModel(
    first: String, second: String, parameters: Int, tensors: Int
  ) throws {
    let inputs = pair(first, second)
    let distance = try run("imwa-dist", inputs)
    #expect(distance.output.hasPrefix("\(parameters) parameters in \(tensors) tensors\n"))
    let merged = try run(
      "imwa-avg", ["merge"] + inputs + ["--optimizer", "drop", "-o", "o.safetensors"])
    #expect(merged.status == 0, "\(merged.errors)")
    let file = try SafetensorsFile.decode(try folder.read("o.safetensors"))
    #expect(file.tensors.count == tensors)
  }

  @Test(arguments: [("o.pth", "o.pth"), ("o/", "o/pytorch_model.bin")])
  func averagesBesideTheWeightsAreAveragedToo(output: String, file: String) throws {
    let inputs = pair("ema_a.pth", "ema_b.pth")
    let merged = try run("imwa-avg", ["merge"] + inputs + ["-o", output])
    #expect(merged.status == 0, "\(merged.errors)")
    _ = try run("imwa-avg", ["merge"] + inputs + ["--use-ema", "-o", "expected.safetensors"])
    let read = try run(
      "imwa-ckpt", ["convert", file, "--use-ema", "-o", "found.safetensors"])
    #expect(read.status == 0, "\(read.errors)")
    let files = try ["expected", "found"].map {
      try SafetensorsFile.decode(try folder.read("\($0).safetensors")).tensors.mapValues(\.bytes)
    }
    #expect(files[0].count == 2 && files[0] == files[1])
  }

  @Test func anInfinityOfAllInputsIsAMask() throws {
    let result = try run(
      "imwa-avg", ["merge"] + pair("mask_a.pt", "mask_b.pt") + ["-o", "o.safetensors"])
    #expect(result.status == 0, "\(result.errors)")
    for (name, values) in [("a", [Float.infinity, 1]), ("b", [-Float.infinity, 1])] {
      try folder.write("\(name).safetensors", SafetensorsFile.encode([.init("w", values)]))
    }
    let other = try merge("a.safetensors", "b.safetensors", "-o", "p.safetensors")
    #expect(other.status == 65)
    #expect(other.errors.contains("a.safetensors: tensor 'w': infinity at [0]"))
  }

  @Test func aPartOfADistributedCheckpointIsNoCheckpoint() throws {
    let result = try run("imwa-ckpt", ["show", Fixtures.path("roles/part.distcp")])
    #expect(result.status == 65)
    #expect(result.errors.contains("dcp_to_torch"))
  }

  @Test func optionsThatFindNothingAreReported() throws {
    let inputs = pair("plain_1.h5", "plain_2.h5")
    let options = [
      ["--batch-norm", "pooled"], ["--optimizer", "drop"], ["--integers", "max"],
      ["--missing", "intersect"], ["--match", "position"], ["--out-dtype", "F32"],
    ]
    for option in options {
      let words = option.joined(separator: " ")
      let result = try run(
        "imwa-avg", ["merge"] + inputs + option + ["-o", "o.h5", "--force", "--json"])
      #expect(result.status == 0)
      #expect(result.errors.contains("\(words) has no effect: no tensor is "))
      let json = try JSONValue(parsing: Array(result.output.utf8))
      #expect(json["options"]?[words] == .integer(0))
      let strict = try run(
        "imwa-avg", ["merge"] + inputs + option + ["-o", "p.h5", "--strict"])
      #expect(strict.status == 65)
      #expect(try !folder.names().contains("p.h5"))
    }
  }

  @Test func optionsSayHowManyTensorsTheyActedOn() throws {
    let inputs = ["cnn_bn_s1", "cnn_bn_s2"].map { Fixtures.path("safetensors/\($0).safetensors") }
    let result = try run(
      "imwa-avg",
      ["merge"] + inputs + ["--batch-norm", "pooled", "--out-dtype", "bf16", "-o", "o.safetensors"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("; 4 running statistics pooled; 13 tensors written as BF16"))
  }
}
