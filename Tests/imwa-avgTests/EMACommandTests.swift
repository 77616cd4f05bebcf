import TestSupport
import Testing

@Suite struct EMACommandTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (name, value) in [("state", Float(0)), ("n1", 8), ("n2", 8)] {
      try folder.write(
        "\(name).safetensors", SafetensorsFile.encode([.init("w", [value])], metadata: ["k": "v"]))
    }
  }

  private func ema(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-avg", ["ema"] + arguments, in: folder.path)
  }

  private func state(_ name: String = "state.safetensors") throws -> (
    value: Float?, updates: String?
  ) {
    let file = try SafetensorsFile.decode(try folder.read(name))
    return (file.tensors["w"]?.floats.first, file.metadata["imwa_ema_updates"])
  }

  @Test func addsCheckpointsInOrder() throws {
    let result = try ema(
      "state.safetensors", "n1.safetensors", "n2.safetensors", "--decay", "0.5", "-o",
      "o.safetensors")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try state("o.safetensors").value == 6)
    #expect(try state("o.safetensors").updates == "2")
  }

  @Test func countsUpdatesInPlace() throws {
    for expected in ["1", "2", "3"] {
      let result = try ema(
        "state.safetensors", "n1.safetensors", "--decay", "0.5", "-o", "state.safetensors",
        "--force", "--no-provenance")
      #expect(result.status == 0, "\(result.errors)")
      #expect(try state().updates == expected)
    }
    #expect(try state().value == 7)
  }

  @Test func warmUpTakesTheCountOfTheState() throws {
    // λ₀ = 1/10: 0.9 · 8 = 7.2; λ₁ = 2/11.
    for _ in 0..<2 {
      _ = try ema(
        "state.safetensors", "n1.safetensors", "--decay", "0.9", "--warmup", "-o",
        "state.safetensors", "--force")
    }
    let first = Float((1 - 1.0 / 10) * 8)
    let second = Float(2.0 / 11 * Double(first) + (1 - 2.0 / 11) * 8)
    #expect(try state().value == second)
    let later = try ema(
      "state.safetensors", "n1.safetensors", "--decay", "0.9", "--warmup", "--step", "1000", "-o",
      "o.safetensors")
    #expect(later.status == 0)
    #expect(try state("o.safetensors").updates == "1001")
  }

  @Test(arguments: ["1.5", "-0.1", "x"])
  func decaysOutOfRangeAreRefused(decay: String) throws {
    let result = try ema(
      "state.safetensors", "n1.safetensors", "--decay=\(decay)", "-o", "o.safetensors")
    #expect(result.status == 64)
  }

  @Test func onePatternIsAStateAndWhatIsAdded() throws {
    try folder.write("n0.safetensors", SafetensorsFile.encode([.init("w", [0])]))
    let result = try ema("n*.safetensors", "--decay", "0.5", "-o", "o.safetensors")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try state("o.safetensors").value == 6)
    let alone = try ema("n0.safetensors", "--decay", "0.5", "-o", "p.safetensors")
    #expect(alone.status == 64)
    #expect(alone.errors.contains("there is no checkpoint to add"))
  }

  @Test func mergesDoNotInheritTheCount() throws {
    _ = try ema("state.safetensors", "n1.safetensors", "--decay", "0.5", "-o", "o.safetensors")
    _ = try ToolProcess.run(
      "imwa-avg", ["merge", "o.safetensors", "n2.safetensors", "-o", "p.safetensors"],
      in: folder.path)
    #expect(try state("p.safetensors").updates == nil)
  }

  @Test(arguments: ["9223372036854775807", "-1", "x\u{1B}[31m", ""])
  func aCountThatIsNoNumberIsRefused(count: String) throws {
    try folder.write(
      "bad.safetensors",
      SafetensorsFile.encode([.init("w", [1])], metadata: ["imwa_ema_updates": count]))
    let result = try ema(
      "bad.safetensors", "n1.safetensors", "--decay", "0.5", "-o", "o.safetensors")
    #expect(result.status == 65)
    #expect(!result.errors.contains("\u{1B}"))
    let told = try ema(
      "bad.safetensors", "n1.safetensors", "--decay", "0.5", "--step", "5", "-o", "o.safetensors")
    #expect(told.status == 0)
    #expect(try state("o.safetensors").updates == "6")
  }

  // MARK: - The dtype of the state

  /// BF16 of 1 and 2.
  private func writeBF16() throws {
    for (name, byte) in [("b1", UInt8(0x80)), ("b2", UInt8(0x00))] {
      let high: UInt8 = byte == 0x80 ? 0x3F : 0x40
      try folder.write(
        "\(name).safetensors", SafetensorsFile.encode([.init("w", "BF16", [1], [byte, high])]))
    }
  }

  @Test func aStateOf16BitsMoves() throws {
    try writeBF16()
    var state = "b1.safetensors"
    for _ in 0..<40 {
      let result = try ema(
        state, "b2.safetensors", "--decay", "0.999", "-o", "state.safetensors", "--force",
        "--durability", "none", "--quiet")
      #expect(result.status == 0, "\(result.errors)")
      state = "state.safetensors"
    }
    // 2 − 0.999⁴⁰ = 1.03923…
    let value = try #require(try self.state().value)
    #expect(abs(value - 1.03923) < 1e-4)
    #expect(try self.state().updates == "40")
  }

  @Test func aStateThatWouldStallIsRefused() throws {
    try writeBF16()
    let result = try ema(
      "b1.safetensors", "b2.safetensors", "--decay", "0.999", "--state-dtype", "bf16", "-o",
      "o.safetensors")
    #expect(result.status == 64)
    #expect(result.errors.contains("a state of BF16 would not move"))
    let slow = try ema(
      "b1.safetensors", "b2.safetensors", "--decay", "0.5", "--state-dtype", "bf16", "-o",
      "o.safetensors")
    #expect(slow.status == 0, "\(slow.errors)")
  }

  @Test func anExportIsWrittenBesideTheState() throws {
    try writeBF16()
    let result = try ema(
      "b1.safetensors", "b2.safetensors", "--decay", "0.75", "-o", "o.safetensors", "--export",
      "e.safetensors")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try state("o.safetensors").value == 1.25)
    let exported = try SafetensorsFile.decode(try folder.read("e.safetensors"))
    #expect(exported.tensors["w"]?.dtype == "BF16")
    #expect(exported.tensors["w"]?.bytes == [0xA0, 0x3F])
    #expect(exported.metadata["imwa_ema_updates"] == nil)
  }

  @Test func anExportDoesNotReplaceTheState() throws {
    try writeBF16()
    let result = try ema(
      "b1.safetensors", "b2.safetensors", "--decay", "0.75", "-o", "b1.safetensors", "--force",
      "--export-dtype", "bf16")
    #expect(result.status == 64)
    #expect(result.errors.contains("--export FILE"))
  }
}
