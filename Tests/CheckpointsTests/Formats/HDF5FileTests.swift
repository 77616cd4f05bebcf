import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct HDF5FileTests {
  private static let family = "hdf5/keras3_mlp_s1.weights.h5"

  /// Half as wide, so that the file is built anew.
  private func writeHalf(_ reader: CheckpointReader, to path: String) throws {
    var policy = AlignmentPolicy()
    policy.outputDType = .float16
    let plan = try MergePlan([reader.weights], labels: [reader.path.string], policy: policy)
    let weights = try plan.weights { .uniform(inputCount: $0.count) }.recording(nil)
    var request = OutputRequest(path: FilePath(path))
    request.arrangement = reader.arrangement
    _ = try PreparedOutput(weights, to: request).write()
  }

  /// The child that walked the file builds the first output; for others, the file is walked again.
  @Test(arguments: [true, false])
  func oneReaderGivesItsStructureToManyOutputs(isReady: Bool) throws {
    let folder = try TemporaryFolder()
    let reader = try CheckpointReader(
      opening: FilePath(Fixtures.path(HDF5FileTests.family)),
      options: ReadingOptions(givesStructure: isReady))
    for name in ["a.h5", "b.h5", "c.h5"] { try writeHalf(reader, to: folder.file(name)) }
    let written = try folder.read("a.h5")
    #expect(try folder.read("b.h5") == written)
    #expect(try folder.read("c.h5") == written)
    #expect(try WeightMap(contentsOf: folder.file("a.h5")).count == reader.weights.count)
  }

  @Test func onlyTheFirstOfManyInputsKeepsItsChild() throws {
    let path = FilePath(Fixtures.path(HDF5FileTests.family))
    let readers = try CheckpointReader.open(
      [path, path], options: ReadingOptions(givesStructure: true))
    let waiting = readers.map { reader in
      if case .hdf5(let structure) = reader.arrangement { structure.source.hasChild } else { false }
    }
    #expect(waiting == [true, false])
    let alone = try CheckpointReader(opening: path)
    guard case .hdf5(let structure) = alone.arrangement else {
      Issue.record("no HDF5 structure")
      return
    }
    #expect(!structure.source.hasChild)
  }

  /// What stays as it is is copied by the stream: nothing has to be built.
  @Test func theChildEndsWhenAnOutputIsWrittenInPlace() throws {
    let folder = try TemporaryFolder()
    let reader = try CheckpointReader(
      opening: FilePath(Fixtures.path(HDF5FileTests.family)),
      options: ReadingOptions(givesStructure: true))
    guard case .hdf5(let structure) = reader.arrangement else {
      Issue.record("no HDF5 structure")
      return
    }
    #expect(structure.source.hasChild)
    var request = OutputRequest(path: FilePath(folder.file("same.h5")))
    request.arrangement = reader.arrangement
    _ = try PreparedOutput(reader.weights, to: request).write()
    #expect(!structure.source.hasChild)
  }

  /// Between opening and building, somebody else wrote to the file.
  @Test func aFileThatChangedGivesNoStructure() throws {
    let folder = try TemporaryFolder()
    let bytes = try Fixtures.bytes(HDF5FileTests.family)
    let path = try folder.write("in.h5", bytes)
    let reader = try CheckpointReader(opening: FilePath(path))
    let other = try Fixtures.bytes("hdf5/keras3_cnn_bn_s1.weights.h5")
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data(other))
    try handle.close()
    #expect(throws: (any Error).self) { try writeHalf(reader, to: folder.file("out.h5")) }
    #expect(try folder.names() == ["in.h5"])
  }
}
