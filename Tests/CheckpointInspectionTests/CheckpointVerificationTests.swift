import Checkpoints
import FileIO
import SystemPackage
import TensorCore
import TestSupport
import Testing
import ZipArchive

@testable import CheckpointInspection

@Suite struct CheckpointVerificationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func problems(_ name: String) throws -> [String] {
    try CheckpointVerification(of: FilePath(folder.file(name))).problems.map(\.description)
  }

  @Test(arguments: CheckpointFormats.all.filter { $0.writesFromTensorsAlone }.map { $0.name })
  func aCutOffFileIsFound(name: String) throws {
    let format = try #require(CheckpointFormats.all.first { $0.name == name })
    let file = "out" + format.suffixes[0]
    let values = (0..<5000).map(Float.init)
    try WeightMap([Tensor(name: "a", shape: Shape([5000]), values: values)])
      .write(to: folder.file(file))
    #expect(try problems(file).isEmpty)
    let bytes = try folder.read(file)
    try folder.write(file, Array(bytes.prefix(bytes.count / 2)))
    #expect(try problems(file).count == 1)
  }

  @Test(arguments: [".pt", ".npz"])
  func aFlippedBitIsFoundByItsChecksum(suffix: String) throws {
    let values = (0..<5000).map(Float.init)
    try WeightMap([Tensor(name: "a", shape: Shape([5000]), values: values)])
      .write(to: folder.file("out" + suffix))
    var bytes = try folder.read("out" + suffix)
    bytes[bytes.count / 2] ^= 1
    try folder.write("out" + suffix, bytes)
    #expect(try problems("out" + suffix).first?.contains("checksum") == true)
  }

  @Test(arguments: [
    ("keras/cnn_bn_s1.keras", "config.json"), ("torch/mlp_s1.pt", "mlp_s1/.data/serialization_id"),
  ])
  func aFlippedBitOutsideTheWeightsIsFound(file: String, member: String) throws {
    let source = try ReadableFile(FilePath(Fixtures.path(file)))
    let archive = try ZipFile(source, size: source.size)
    let range = try #require(archive[member]).dataRange
    var bytes = try Fixtures.bytes(file)
    let name = try #require(FilePath(file).lastComponent?.string)
    try folder.write(name, bytes)
    #expect(try problems(name).isEmpty)
    bytes[range.lowerBound + range.count / 2] ^= 4
    try folder.write(name, bytes)
    #expect(try problems(name).first?.contains("'\(member)'") == true)
  }

  @Test func aMissingShardIsFound() throws {
    let path = folder.file("model")
    try WeightMap([Tensor(name: "a", shape: Shape([2]), values: [1, 2])])
      .write(to: folder.file("m.safetensors"))
    try folder.write(
      "model/model.safetensors.index.json",
      text: "{\"metadata\":{},\"weight_map\":{\"a\":\"model-00001-of-00001.safetensors\"}}")
    let found = try CheckpointVerification(of: FilePath(path))
    #expect(found.problems.first?.description.contains("does not exist") == true)
    #expect(throws: CheckpointError.self) {
      try CheckpointVerification(of: FilePath(folder.file("nothing")))
    }
  }
}
