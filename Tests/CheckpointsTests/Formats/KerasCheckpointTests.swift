import SystemPackage
import TensorCore
import TestSupport
import Testing
import ZipArchive

@testable import Checkpoints
@testable import FileIO

@Suite struct KerasCheckpointTests {
  private func readers() throws -> [CheckpointReader] {
    try (1...3).map {
      try CheckpointReader(opening: FilePath(Fixtures.path("keras/cnn_bn_s\($0).keras")))
    }
  }

  private func merge(
    _ readers: [CheckpointReader], to path: String,
    change: (inout AlignmentPolicy) -> Void = { _ in }
  ) throws {
    var policy = AlignmentPolicy()
    change(&policy)
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: policy)
    let weights = try plan.weights { .uniform(inputCount: $0.count) }.recording(nil)
    var request = OutputRequest(path: FilePath(path))
    request.arrangement = readers[0].arrangement
    var options = StreamOptions()
    options.verifies = true
    _ = try PreparedOutput(weights, to: request).write(options)
  }

  private func archive(_ path: String) throws -> ZipFile {
    let file = try ReadableFile(FilePath(path))
    return try ZipFile(file, size: file.size)
  }

  @Test func weightsAreAveragedAndAllElseStays() throws {
    let folder = try TemporaryFolder()
    let readers = try readers()
    try merge(readers, to: folder.file("out.keras"))
    try merge(readers, to: folder.file("again.keras"))
    #expect(try folder.read("out.keras") == folder.read("again.keras"))
    let written = try archive(folder.file("out.keras"))
    let original = try archive(Fixtures.path("keras/cnn_bn_s1.keras"))
    #expect(written.members.map(\.name) == original.members.map(\.name))
    for member in written.members {
      try written.verify(member)
      guard member.name != "model.weights.h5", let before = original[member.name] else { continue }
      #expect(
        try written.bytes(of: member, limit: 1 << 20) == original.bytes(of: before, limit: 1 << 20))
    }
    // The same merge of the weights alone.
    try merge(readers, to: folder.file("out.weights.h5"))
    let weights = try #require(written["model.weights.h5"])
    #expect(
      try written.bytes(of: weights, limit: 1 << 20) == folder.read("out.weights.h5"))
    #expect(try folder.names() == ["again.keras", "out.keras", "out.weights.h5"])
  }

  @Test func theOptimizerCanGo() throws {
    let folder = try TemporaryFolder()
    try merge(try readers(), to: folder.file("out.keras")) { $0.optimizer = .drop }
    let written = try WeightMap(contentsOf: folder.file("out.keras"))
    #expect(written.tensors.allSatisfy { !$0.info.name.hasPrefix("optimizer") })
    #expect(
      try folder.read("out.keras").count < Fixtures.bytes("keras/cnn_bn_s1.keras").count)
  }

  @Test func aFlippedBitIsFoundByItsChecksum() throws {
    let folder = try TemporaryFolder()
    var bytes = try Fixtures.bytes("keras/cnn_bn_s1.keras")
    let weights = try #require(
      try archive(Fixtures.path("keras/cnn_bn_s1.keras"))["model.weights.h5"])
    guard case .bytes(_, let offset)? = try readers()[0].weights.tensors.first?.storage else {
      return
    }
    #expect(weights.dataRange.contains(offset))
    bytes[offset + 1] ^= 1
    let reader = try CheckpointReader(opening: FilePath(folder.write("bad.keras", bytes)))
    let error = #expect(throws: CheckpointError.self) { try reader.checksums?(1) }
    #expect(error?.kind == .badInput)
  }

  @Test func pooledVariancesOfNumberedVariables() throws {
    let folder = try TemporaryFolder()
    let readers = try readers()
    try merge(readers, to: folder.file("out.keras")) { $0.batchNorm = .pooled }
    let written = try WeightMap(contentsOf: folder.file("out.keras"))
    let prefix = "layers/batch_normalization/vars/"
    let means = try readers.map { try #require($0.weights[prefix + "2"]).values() }
    let variances = try readers.map { try #require($0.weights[prefix + "3"]).values() }
    for (index, value) in try #require(written[prefix + "3"]).values().enumerated() {
      let mean = (means[0][index] + means[1][index] + means[2][index]) / 3
      let squares = (0..<3).reduce(0.0) {
        $0 + variances[$1][index] + means[$1][index] * means[$1][index]
      }
      #expect(abs(value - (squares / 3 - mean * mean)) < 1e-6)
    }
  }

  @Test func anotherFirstInputCannotGiveAConfiguration() throws {
    let folder = try TemporaryFolder()
    let weights = try WeightMap([Tensor(name: "w", shape: Shape([1]), values: [1])])
    let error = #expect(throws: CheckpointError.self) {
      try weights.write(to: folder.file("out.keras"))
    }
    #expect(error?.kind == .usage)
    #expect(try folder.names() == [])
  }

  @Test func whatIsNoModelIsRefused() throws {
    let folder = try TemporaryFolder()
    let entry = ZipEntry("config.json", byteCount: 2, checksum: 0)
    let layout = try ZipLayout([entry])
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    for piece in layout.pieces {
      bytes.replaceSubrange(piece.offset..<piece.offset + piece.bytes.count, with: piece.bytes)
    }
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointReader(opening: FilePath(folder.write("a.keras", bytes)))
    }
    #expect(error?.reason.contains("model.weights.h5") == true)
  }
}
