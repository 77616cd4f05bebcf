import FileIO
import SystemPackage
import TensorCore
import TestSupport
import Testing
import ZipArchive

@testable import Checkpoints

@Suite struct PyTorchCheckpointTests {
  private func readers(_ stem: String, _ suffix: String = "pt") throws -> [CheckpointReader] {
    try (1...3).map {
      try CheckpointReader(opening: FilePath(Fixtures.path("torch/\(stem)_s\($0).\(suffix)")))
    }
  }

  @discardableResult
  private func merge(
    _ readers: [CheckpointReader], to path: String,
    change: (inout AlignmentPolicy) -> Void = { _ in }
  ) throws -> PreparedOutput {
    var policy = AlignmentPolicy()
    change(&policy)
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: policy)
    let weights = try plan.weights { .uniform(inputCount: $0.count) }
      .recording(Provenance(method: "linear", inputs: []))
    var request = OutputRequest(path: FilePath(path), existing: .replace, durability: .none)
    request.arrangement = readers[0].arrangement
    var options = StreamOptions()
    options.verifies = true
    let prepared = try PreparedOutput(weights, to: request)
    _ = try prepared.write(options)
    return prepared
  }

  private func archive(_ path: String) throws -> ZipFile {
    let file = try ReadableFile(FilePath(path))
    return try ZipFile(file, size: file.size)
  }

  @Test(arguments: ["mlp", "cnn_bn", "tied"])
  func allButTheValuesStays(stem: String) throws {
    let folder = try TemporaryFolder()
    let readers = try readers(stem)
    try merge(readers, to: folder.file("out.pt"))
    try merge(readers, to: folder.file("again.pt"))
    #expect(try folder.read("out.pt") == folder.read("again.pt"))
    let written = try archive(folder.file("out.pt"))
    let original = try archive(Fixtures.path("torch/\(stem)_s1.pt"))
    #expect(written.members.map(\.name) == original.members.map(\.name) + ["\(stem)_s1/imwa.json"])
    try written.verify(written.members, threads: 2)
    for member in written.members {
      #expect(member.dataRange.lowerBound % 64 == 0)
      guard let before = original[member.name], !member.name.contains("/data/") else { continue }
      #expect(
        try written.bytes(of: member, limit: 1 << 20) == original.bytes(of: before, limit: 1 << 20))
    }
    #expect(try WeightMap(contentsOf: folder.file("out.pt")).metadata[Provenance.key] != nil)
  }

  @Test func aTrainingCheckpointKeepsItsRest() throws {
    let folder = try TemporaryFolder()
    let readers = try readers("fullckpt")
    #expect(readers[0].otherContents.contains("'scheduler'"))
    for (name, change) in [
      ("same.pt", { _ in }), ("dropped.pt", { $0.optimizer = .drop }),
      ("wide.pt", { $0.outputDType = .float64 }),
    ] as [(String, (inout AlignmentPolicy) -> Void)] {
      try merge(readers, to: folder.file(name), change: change)
      let output = try CheckpointReader(opening: FilePath(folder.file(name)))
      #expect(output.otherContents.contains("'scheduler'"))
      let isDropped = name == "dropped.pt"
      #expect(output.weights.count == (isDropped ? 15 : 51))
      #expect(output.otherContents.contains("'optimizer'") == !isDropped)
      // The rest keeps its tensors.
      let whole = try CheckpointReader(
        opening: FilePath(folder.file(name)), options: ReadingOptions(key: "."))
      let first = try CheckpointReader(
        opening: readers[0].path, options: ReadingOptions(key: "."))
      for tensor in first.weights.tensors
      where tensor.info.name.hasPrefix("ema.") || tensor.info.name.hasPrefix("rng.") {
        #expect(try whole.weights[tensor.info.name]?.bytes() == tensor.bytes())
      }
    }
  }

  @Test func oldFilesAndArchivesHoldTheSame() throws {
    let old = try readers("mlp_legacy", "pth")[0].weights
    let new = try readers("mlp")[0].weights
    #expect(old.tensors.map(\.info) == new.tensors.map(\.info))
    for tensor in new.tensors { #expect(try old[tensor.info.name]?.bytes() == tensor.bytes()) }
  }

  @Test func tiesThatDoNotHoldAreTold() throws {
    let folder = try TemporaryFolder()
    let tied = try readers("tied")
    let loose = try tied[1].weights.tensors.map { tensor in
      try Tensor(
        name: tensor.info.name, shape: tensor.info.shape,
        encoding: ElementEncoding(tensor.info.dtype), bytes: tensor.bytes())
    }
    try WeightMap(loose).write(to: folder.file("loose.pt"))
    let other = try CheckpointReader(opening: FilePath(folder.file("loose.pt")))
    let prepared = try merge([tied[0], other], to: folder.file("out.pt"))
    #expect(prepared.notices.count == 1)
    #expect(prepared.notices.first?.contains("'enc.weight' and 'dec.weight'") == true)
  }

  @Test(arguments: [
    "pkl_evil_newobj_ex", "pkl_evil_stack_global", "pkl_evil_torch_load",
  ])
  func maliciousFilesAreRefusedByName(name: String) throws {
    let names = [
      "pkl_evil_newobj_ex": "subprocess.Popen", "pkl_evil_stack_global": "os.system",
      "pkl_evil_torch_load": "torch.load",
    ]
    let error = #expect(throws: CheckpointError.self) {
      try WeightMap(contentsOf: Fixtures.path("malformed/pt/\(name).pt"))
    }
    #expect(error?.description.contains("'\(names[name] ?? "")'") == true)
    #expect(error?.kind == .badInput)
  }

  @Test func aFlippedBitIsFoundByItsChecksum() throws {
    let folder = try TemporaryFolder()
    var bytes = try Fixtures.bytes("torch/mlp_s1.pt")
    let member = try #require(archive(Fixtures.path("torch/mlp_s1.pt"))["mlp_s1/data/0"])
    bytes[member.dataRange.lowerBound + 9] ^= 2
    let path = try folder.write("flipped.pt", bytes)
    let reader = try CheckpointReader(opening: FilePath(path))
    let error = #expect(throws: CheckpointError.self) { try reader.checksums?(2) }
    #expect(error?.description.contains("checksum") == true)
  }

  @Test func damageNeverCrashesOldFiles() throws {
    let folder = try TemporaryFolder()
    let original = try Fixtures.bytes("torch/mlp_legacy_s1.pth")
    var generator = SplitMix(seed: 5)
    for _ in 0..<300 {
      var bytes = original
      let place = Int.random(in: 0..<1200, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: place)
      default: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
      }
      let path = try folder.write("damaged.pth", bytes)
      do {
        for tensor in try WeightMap(contentsOf: path).tensors { _ = try tensor.bytes() }
      } catch let error as any DiagnosedError {
        #expect(error.kind == .badInput)
      }
    }
  }
}
