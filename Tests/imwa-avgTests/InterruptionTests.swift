import Foundation
import TestSupport
import Testing

/// What a user's signals, and the worst one, leave behind.
@Suite(.serialized) struct InterruptionTests {
  private let folder: TemporaryFolder
  private let elementCount = 3_000_000

  init() throws {
    folder = try TemporaryFolder()
    for (name, value) in [("a", Float(1)), ("b", 3), ("old", 7)] {
      let values = [Float](repeating: value, count: elementCount)
      let bytes = SafetensorsFile.encode([
        .init("v", values, shape: [3, elementCount / 3]), .init("w", [value]),
      ])
      try folder.write(
        name == "old" ? "out.safetensors" : "\(name).safetensors", bytes)
    }
  }

  /// Which whole model a file holds; nil for a mixture.
  private func model(_ bytes: [UInt8]) throws -> Float? {
    let tensors = try SafetensorsFile.decode(bytes).tensors
    guard let value = tensors["w"]?.floats.first, let large = tensors["v"] else { return nil }
    let pattern = withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    for start in stride(from: 0, to: large.bytes.count, by: 4096) {
      if Array(large.bytes[start..<start + 4]) != pattern { return nil }
    }
    return value
  }

  /// How long a run takes that nobody disturbs, in microseconds: the moments to kill at depend on it.
  private func duration(of arguments: [String]) throws -> Double {
    let start = ContinuousClock.now
    #expect(try ToolProcess.run("imwa-avg", arguments, in: folder.path).status == 0)
    return (ContinuousClock.now - start) / .microseconds(1)
  }

  private func kill(after microseconds: UInt32, signal: Int32, _ arguments: [String]) throws
    -> Int32
  {
    let process = try ToolProcess("imwa-avg", arguments, in: folder.path)
    try process.start()
    usleep(microseconds)
    process.send(signal)
    return try process.finish().status
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func signalsEndTheWorkCleanly(signal: Int32) throws {
    let merge = ["merge", "a.safetensors", "b.safetensors", "-o", "out.safetensors", "--force"]
    let old = try folder.read("out.safetensors")
    let duration = try duration(of: merge)
    try folder.write("out.safetensors", old)
    var statuses: Set<Int32> = []
    for step in 0..<12 {
      let delay = UInt32(duration * Double(step) / 12)
      statuses.insert(try kill(after: delay, signal: signal, merge))
      #expect(try folder.names() == ["a.safetensors", "b.safetensors", "out.safetensors"])
      #expect([7, 2].contains(try model(try folder.read("out.safetensors"))))
    }
    // Before the tool listens, a signal ends it as it ends any process: with the same status.
    #expect(statuses.isSubset(of: [0, 128 + signal]))
    #expect(statuses.contains(128 + signal))
  }

  @Test func killingAtAnyMomentLeavesTheOldOrTheNewFile() throws {
    var generator = SplitMix(seed: 4)
    let old = try folder.read("out.safetensors")
    var killed = 0
    let merge = ["merge", "a.safetensors", "b.safetensors", "-o", "out.safetensors", "--force"]
    let duration = try duration(of: merge)
    try folder.write("out.safetensors", old)
    for _ in 0..<50 {
      let delay = UInt32(Double.random(in: 0..<1.2, using: &generator) * duration)
      if try kill(after: delay, signal: SIGKILL, merge) != 0 { killed += 1 }
      #expect([7, 2].contains(try model(try folder.read("out.safetensors"))))
      try folder.write("out.safetensors", old)
    }
    #expect(killed > 0)
    let last = try ToolProcess.run(
      "imwa-avg", ["merge", "a.safetensors", "b.safetensors", "-o", "out.safetensors", "--force"],
      in: folder.path)
    #expect(last.status == 0)
    #expect(try folder.names() == ["a.safetensors", "b.safetensors", "out.safetensors"])
  }

  /// The model that all shards of a folder agree on; nil for a mixture.
  private func folderModel(_ name: String) throws -> Float? {
    let index = try JSONSerialization.jsonObject(
      with: Data(try folder.read("\(name)/model.safetensors.index.json")))
    let map = (index as? [String: Any])?["weight_map"] as? [String: String] ?? [:]
    var values: Set<Float> = []
    for (tensor, shard) in map {
      let tensors = try SafetensorsFile.decode(try folder.read("\(name)/\(shard)")).tensors
      guard let floats = tensors[tensor]?.floats else { return nil }
      values.formUnion(floats)
    }
    return values.count == 1 && map.count == 6 ? values.first : nil
  }

  @Test func killingAtAnyMomentLeavesTheOldOrTheNewFolder() throws {
    for (name, value) in [("x", Float(1)), ("y", 3), ("z", 7)] {
      let entries = (0..<6).map {
        SafetensorsFile.Entry("t\($0)", [Float](repeating: value, count: 40_000))
      }
      try folder.write("\(name).safetensors", SafetensorsFile.encode(entries))
    }
    let build = ["merge", "z.safetensors", "-o", "m", "--max-shard-size", "200kB"]
    #expect(try ToolProcess.run("imwa-avg", build, in: folder.path).status == 0)
    try folder.write("m/notes.txt", text: "mine")
    var generator = SplitMix(seed: 8)
    var seen: Set<Float> = []
    let duration = try duration(of: build + ["--force"])
    for round in 0..<50 {
      let inputs = round % 2 == 0 ? ["x.safetensors", "y.safetensors"] : ["z.safetensors"]
      let merge = ["merge"] + inputs + ["-o", "m", "--max-shard-size", "200kB", "--force"]
      // Every fifth run may end, so that both models are seen.
      let delay = round % 5 == 0 ? 4 : Double.random(in: 0..<1.2, using: &generator)
      _ = try kill(after: UInt32(delay * duration), signal: SIGKILL, merge)
      let value = try folderModel("m")
      #expect(value == 2 || value == 7, "round \(round)")
      if let value { seen.insert(value) }
      #expect(try folder.names(in: "m").contains("notes.txt"))
    }
    #expect(seen == [2, 7])
    let last = ["merge", "z.safetensors", "-o", "m", "--max-shard-size", "200kB", "--force"]
    #expect(try ToolProcess.run("imwa-avg", last, in: folder.path).status == 0)
    #expect(try !folder.names().contains { $0.hasSuffix("imwa-partial") })
  }
}
