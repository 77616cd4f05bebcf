import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What tensors of HDF5 and NumPy files are called and are, with files by h5py, Keras and NumPy.
@Suite struct HDF5NamesTests {
  private func open(_ name: String) throws -> CheckpointReader {
    try CheckpointReader(opening: FilePath(Fixtures.path("hdf5/odd/\(name)")))
  }

  private func roles(_ reader: CheckpointReader) -> [String: TensorRole] {
    reader.weights.tensors.reduce(into: [:]) { $0[$1.info.name] = $1.declaredRole }
  }

  /// Writes the mean of files like the first one, and opens it.
  private func mean(_ readers: [CheckpointReader], in folder: TemporaryFolder) throws
    -> CheckpointReader
  {
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: AlignmentPolicy())
    var request = OutputRequest(path: FilePath(folder.file("mean.h5")))
    request.arrangement = readers[0].arrangement
    let weights = try plan.weights { .uniform(inputCount: $0.count) }
    _ = try PreparedOutput(weights, to: request).write()
    return try CheckpointReader(opening: request.path)
  }

  @Test func allPathsOfADatasetAreNamesOfOneTensor() throws {
    let tied = try open("tied.h5")
    #expect(
      tied.weights.tensors.map(\.info.name) == ["decoder/embedding", "encoder/embedding"])
    #expect(TiedTensors(tied.weights).groups == [0, 0])
    #expect(try open("soft.h5").weights.tensors.map(\.info.name) == ["alias", "w"])
  }

  @Test func tiesStayWhereValuesAreTheSame() throws {
    let folder = try TemporaryFolder()
    let tied = try open("tied.h5")
    let result = try mean([tied, tied], in: folder)
    #expect(TiedTensors(result.weights).groups == [0, 0])
    #expect(try result.weights.tensors[1].values() == tied.weights.tensors[1].values())
  }

  @Test func tiedAndUntiedFilesHaveAMean() throws {
    let folder = try TemporaryFolder()
    let (tied, untied) = (try open("tied.h5"), try open("untied.h5"))
    let result = try mean([tied, untied], in: folder)
    for name in ["decoder/embedding", "encoder/embedding"] {
      let inputs = try [tied, untied].map { try #require($0.weights[name]).values() }
      let expected = zip(inputs[0], inputs[1]).map { ($0 + $1) / 2 }
      #expect(try result.weights[name]?.values() == expected)
    }
  }

  @Test func backslashesOfWindowsAreSlashesInNamesAndStayInFiles() throws {
    let folder = try TemporaryFolder()
    let (windows, linux) = (try open("windows_1.weights.h5"), try open("linux_2.weights.h5"))
    #expect(windows.weights.tensors.map(\.info.name) == linux.weights.tensors.map(\.info.name))
    let result = try mean([windows, linux], in: folder)
    guard case .hdf5(let structure) = result.arrangement else {
      Issue.record("the mean is no HDF5 file")
      return
    }
    #expect(structure.catalogue.datasets.contains { $0.path == #"layers\dense/vars/0"# })
  }

  @Test func filesAfterAUserBlockAreFoundWhateverTheirName() throws {
    let folder = try TemporaryFolder()
    let bytes = try Fixtures.bytes("hdf5/odd/net_1.mat")
    for name in ["net.mat", "net.ckpt", "net.nc", "net"] {
      try folder.write(name, bytes)
      let reader = try CheckpointReader(opening: FilePath(folder.file(name)))
      #expect(reader.weights.tensors.map(\.info.name) == ["fc1/weights"], "\(name)")
    }
  }

  @Test func whatCannotBeReadIsNamedBesideWhatCan() throws {
    let mixed = try open("mixed_1.h5")
    #expect(mixed.weights.tensors.map(\.info.name) == ["w"])
    #expect(mixed.unreadable.map(\.name) == ["activations"])
    #expect(mixed.unreadable.first?.reason.contains("32001 (blosc)") == true)
    let newer = try open("v112.h5")
    #expect(newer.weights.count + newer.unreadable.count == 2)
    let objects = try open("ckpt_1.npz")
    #expect(objects.weights.tensors.map(\.info.name) == ["params/Dense_0/kernel"])
    #expect(objects.otherContents == ["'config' (Python objects)"])
  }

  @Test func whatIsNotReadStaysAsItIsInARebuiltFile() throws {
    let folder = try TemporaryFolder()
    let mixed = try open("mixed_1.h5")
    var request = OutputRequest(path: FilePath(folder.file("half.h5")))
    request.arrangement = mixed.arrangement
    let tensor = try #require(mixed.weights["w"])
    let half = Tensor(
      try TensorInfo(name: "w", dtype: .float16, shape: tensor.info.shape),
      storage: .computed(.linear(.uniform(inputCount: 1)), [tensor]))
    _ = try PreparedOutput(try WeightMap([half]), to: request).write()
    let result = try CheckpointReader(opening: request.path)
    #expect(result.unreadable.map(\.name) == ["activations"])
    guard case .hdf5(let before) = mixed.arrangement, case .hdf5(let after) = result.arrangement
    else {
      Issue.record("a file is no HDF5 file")
      return
    }
    #expect(try storedChunks(after) == storedChunks(before))
  }

  private func storedChunks(_ structure: HDF5Structure) throws -> [[UInt8]] {
    let dataset = try #require(
      structure.catalogue.datasets.first { $0.path == "activations" })
    guard case .chunked(_, let chunks) = dataset.storage else { return [] }
    return try chunks.map { chunk in
      try structure.source.file.bytes(in: chunk.address..<chunk.address + chunk.storedSize)
    }
  }

  @Test func pairsOfBytesAreBFloat16AsInNumPy() throws {
    let weights = try open("bf16.h5").weights
    #expect(weights["w"]?.info.dtype == .bfloat16)
    #expect(try weights["w"]?.values() == [0, 1, 2, 3])
  }

  @Test func variablesOfKerasHaveTheRolesThatFilesTell() throws {
    let block = roles(try open("block_1.weights.h5"))
    #expect(block["layers/block/bn1/vars/2"] == .statistic(.mean))
    #expect(block["layers/block/bn1/vars/3"] == .statistic(.variance))
    #expect(block["layers/time_distributed/layer/vars/3"] == .statistic(.variance))
    #expect(block["layers/block/conv/vars/1"] == nil)
    let codes = roles(try open("int8_1.weights.h5"))
    #expect(codes["layers/dense/vars/0"] == .code)
    #expect(codes["layers/dense/vars/1"] == .weight)
    #expect(codes["layers/dense/vars/2"] == .scale)
    let gan = roles(try open("gan_1.weights.h5"))
    #expect(gan.values.count { $0 == .optimizerState } == 22)
    #expect(gan["generator/layers/dense/vars/0"] == nil)
  }

  @Test func newNamesMoveGroupsAndChangeLists() throws {
    let folder = try TemporaryFolder()
    let named = try open("named.h5")
    let newNames = Dictionary(
      uniqueKeysWithValues: named.weights.tensors.map {
        (ExactString($0.info.name), $0.info.name.replacing("dense_4", with: "dense"))
      })
    let tensors = try named.weights.tensors.map {
      try $0.renamed(newNames[ExactString($0.info.name)] ?? "")
    }
    var request = OutputRequest(path: FilePath(folder.file("renamed.h5")))
    request.arrangement = named.arrangement.renaming(newNames)
    _ = try PreparedOutput(try WeightMap(tensors), to: request).write()
    let result = try CheckpointReader(opening: request.path)
    guard case .hdf5(let structure) = result.arrangement else {
      Issue.record("the result is no HDF5 file")
      return
    }
    let lists = KerasLists(structure.catalogue)
    #expect(lists.layers.map(\.name).contains("dense"))
    #expect(
      lists.layers.flatMap(\.weights) == [
        "model_weights/dense/m/dense/kernel", "model_weights/dense/m/dense/bias",
      ])
    #expect(result.weights.tensors.map(\.info.name) == lists.layers.flatMap(\.weights))
  }

  @Test func whatFitsByPositionIsHintedAt() throws {
    let readers = [try open("counted_1.h5"), try open("counted_2.h5")]
    let error = #expect(throws: AlignmentError.self) {
      try MergePlan(
        readers.map(\.weights), labels: ["a", "b"], policy: AlignmentPolicy())
    }
    #expect(error?.hint?.contains("--match position") == true)
  }
}
