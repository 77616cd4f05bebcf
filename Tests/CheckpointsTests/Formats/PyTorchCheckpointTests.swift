import Compression
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

  /// A file of PyTorch with bytes behind its pickle.
  private func bytes(of name: String, behindThePickle tail: [UInt8]) throws -> [UInt8] {
    let original = try archive(Fixtures.path(name))
    var entries: [ZipEntry] = []
    var data: [[UInt8]] = []
    for member in original.members {
      var bytes = try original.bytes(of: member, limit: 1 << 20)
      if member.name.hasSuffix("/data.pkl") { bytes += tail }
      var checksum = CRC32()
      checksum.update(bytes)
      entries.append(ZipEntry(member.name, byteCount: bytes.count, checksum: checksum.value))
      data.append(bytes)
    }
    let layout = try ZipLayout(entries)
    var file = [UInt8](repeating: 0, count: layout.byteCount)
    let pieces = layout.pieces.map { ($0.offset, $0.bytes) } + zip(layout.dataOffsets, data)
    for (offset, bytes) in pieces {
      file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    return file
  }

  @Test func bytesBehindThePickleAreRefused() throws {
    let folder = try TemporaryFolder()
    let name = "torch/mlp_s1.pt"
    let whole = try folder.write("whole.pt", bytes(of: name, behindThePickle: []))
    #expect(
      try WeightMap(contentsOf: whole).count == WeightMap(contentsOf: Fixtures.path(name)).count)
    for tail in [Array("cos\nsystem\n.".utf8), [0]] {
      let path = try folder.write("tail.pt", bytes(of: name, behindThePickle: tail))
      let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
      #expect(
        error?.description.contains("\(tail.count) bytes follow the end of the pickle") == true)
    }
  }

  @Test func aChosenPartIsAlone() throws {
    let path = FilePath(Fixtures.path("torch/fullckpt_s1.pt"))
    let reader = try CheckpointReader(opening: path, options: ReadingOptions(key: "optimizer"))
    let (part, outside) = reader.chosenPart
    #expect(part.weights.count == 36)
    #expect(part.otherContents == ["'optimizer.param_groups'"])
    #expect(outside.contains("'epoch'") && outside.contains("'model' (15 tensors)"))
    #expect(!part.keepsOtherContents(in: PyTorchCheckpoint.self))
    let folder = try TemporaryFolder()
    var request = OutputRequest(path: FilePath(folder.file("out.pt")), durability: .none)
    request.arrangement = part.arrangement
    _ = try PreparedOutput(part.weights, to: request).write()
    #expect(try WeightMap(contentsOf: folder.file("out.pt")).count == 36)
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
      #expect(output.otherContents.contains("'optimizer.param_groups'") == !isDropped)
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
