import Foundation
import HDF5Format
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct HDF5CheckpointTests {
  static let packedFamilies = [
    "keras2_mlp_s1.weights_legacy.h5", "keras3_mixed_bfloat16_s1.weights.h5",
    "keras3_mlp_s1.weights.h5",
  ]
  /// More than a twentieth of these is room that nothing is in.
  static let looseFamilies = [
    "h5py_dtypes_s1.h5", "keras2_cnn_bn_full_s1.h5", "keras3_cnn_bn_s1.h5",
    "keras3_cnn_bn_s1.weights.h5",
  ]

  private func readers(_ family: String) throws -> [CheckpointReader] {
    try (1...3).map { number in
      let name = family.replacing("_s1", with: "_s\(number)")
      return try CheckpointReader(opening: FilePath(Fixtures.path("hdf5/\(name)")))
    }
  }

  private func merge(
    _ readers: [CheckpointReader], to path: String, provenance: Provenance? = nil,
    change: (inout AlignmentPolicy) -> Void = { _ in }
  ) throws {
    var policy = AlignmentPolicy()
    policy.optimizer = .average
    change(&policy)
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: policy)
    let weights = try plan.weights { .uniform(inputCount: $0.count) }.recording(provenance)
    var request = OutputRequest(path: FilePath(path))
    request.arrangement = readers[0].arrangement
    _ = try PreparedOutput(weights, to: request).write()
  }

  /// The mean of F32 values at the places that the file itself tells, computed here; all else stays.
  @Test(arguments: packedFamilies)
  func valuesAreReplacedInPlaceAndNothingElse(family: String) throws {
    let folder = try TemporaryFolder()
    let readers = try readers(family)
    try merge(readers, to: folder.file("out.h5"))
    var rest = try folder.read("out.h5")
    let inputs = try (1...3).map {
      try Fixtures.bytes("hdf5/" + family.replacing("_s1", with: "_s\($0)"))
    }
    var original = inputs[0]
    guard case .hdf5(let structure) = readers[0].arrangement else {
      Issue.record("no HDF5 structure")
      return
    }
    var checked = 0
    for dataset in structure.catalogue.datasets {
      guard case .contiguous(let offset) = dataset.storage,
        case .numbers(let encoding) = dataset.type,
        encoding.dtype.isAveraged, let dimensions = dataset.dimensions
      else { continue }
      let count = dimensions.reduce(1, *)
      let range = offset..<offset + count * encoding.dtype.elementUnit
      if encoding.dtype == .float32 {
        let columns = inputs.map { float32($0, range) }
        let expected = (0..<count).map { index in
          Float(
            (Double(columns[0][index]) + Double(columns[1][index]) + Double(columns[2][index]))
              * (1.0 / 3))
        }
        #expect(float32(rest, range) == expected, "\(dataset.path)")
        checked += count
      }
      for place in range { (rest[place], original[place]) = (0, 0) }
    }
    #expect(checked > 0)
    #expect(rest == original)
  }

  @Test(arguments: looseFamilies)
  func filesWithRoomToSpareAreBuiltAnew(family: String) throws {
    let folder = try TemporaryFolder()
    let readers = try readers(family)
    try merge(readers, to: folder.file("out.h5"))
    let result = try CheckpointReader(opening: FilePath(folder.file("out.h5")))
    guard case .hdf5(let old) = readers[0].arrangement,
      case .hdf5(let new) = result.arrangement
    else {
      Issue.record("no HDF5 structure")
      return
    }
    #expect(new.catalogue.datasets.map(\.path) == old.catalogue.datasets.map(\.path))
    #expect(new.catalogue.fileSize < old.catalogue.fileSize)
    #expect(
      Double(new.catalogue.fileSize) <= 1.05 * Double(new.catalogue.packedByteCount + 256))
    for tensor in result.weights.tensors where tensor.info.dtype == .float32 {
      let columns = try readers.map { try values($0.weights, tensor.info.name) }
      let expected = columns[0].indices.map { index in
        Float(
          (Double(columns[0][index]) + Double(columns[1][index]) + Double(columns[2][index]))
            * (1.0 / 3))
      }
      #expect(try values(result.weights, tensor.info.name) == expected, "\(tensor.info.name)")
    }
  }

  private func values(_ weights: WeightMap, _ name: String) throws -> [Float] {
    let tensor = try #require(weights[name])
    let buffer = ByteBuffer(count: tensor.info.byteCount)
    try tensor.read(bytes: 0..<buffer.count, into: buffer, at: 0)
    return float32(buffer.bytes(in: 0..<buffer.count), 0..<buffer.count)
  }

  private func float32(_ bytes: [UInt8], _ range: Range<Int>) -> [Float] {
    stride(from: range.lowerBound, to: range.upperBound, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
    }
  }

  @Test func provenanceIsARootAttributeAndTheBytesAreTheSame() throws {
    let folder = try TemporaryFolder()
    let readers = try readers("keras3_mlp_s1.weights.h5")
    let provenance = Provenance(method: "linear", inputs: [Provenance.Input(name: "a")])
    for name in ["a.h5", "b.h5"] {
      try merge(readers, to: folder.file(name), provenance: provenance)
    }
    #expect(try folder.read("a.h5") == folder.read("b.h5"))
    let written = try WeightMap(contentsOf: folder.file("a.h5"))
    #expect(written.metadata["imwa"] == provenance.json.text)
    #expect(try folder.names() == ["a.h5", "b.h5"])
  }

  @Test func bfloat16OfKerasIsRead() throws {
    let weights = try readers("keras3_mixed_bfloat16_s1.weights.h5")[0].weights
    #expect(weights.tensors.contains { $0.info.dtype == .float32 || $0.info.dtype == .bfloat16 })
  }

  /// What changes the structure makes a new file, with the values that were asked for.
  @Test func droppedAndConvertedTensorsMakeANewFile() throws {
    let folder = try TemporaryFolder()
    let readers = try readers("keras3_mlp_s1.weights.h5")
    try merge(readers, to: folder.file("same.h5"))
    let same = try WeightMap(contentsOf: folder.file("same.h5"))
    let changes: [(String, (inout AlignmentPolicy) -> Void)] = [
      ("half.h5", { $0.outputDType = .float16 }), ("dropped.h5", { $0.optimizer = .drop }),
      ("part.h5", { $0.exclude = [Glob("layers/dense/*")] }),
    ]
    for (name, change) in changes {
      try merge(readers, to: folder.file(name), change: change)
      let written = try CheckpointReader(opening: FilePath(folder.file(name)))
      #expect(written.weights.count > 0)
      for tensor in written.weights.tensors {
        let original = try #require(same[tensor.info.name])
        if original.info.dtype.kind == .floating {
          let isHalf = name == "half.h5"
          #expect(tensor.info.dtype == (isHalf ? .float16 : .float32), "\(tensor.info.name)")
          let values = try tensor.values()
          let expected = try original.values().map { isHalf ? Double(Float16($0)) : $0 }
          #expect(isHalf || values == expected)
        } else {
          #expect(try tensor.bytes() == original.bytes())
        }
      }
      guard case .hdf5(let structure) = written.arrangement else { continue }
      let groups = structure.catalogue.groups.map(\.path)
      #expect(groups.contains("optimizer") == (name != "dropped.h5"))
      #expect(groups.contains("layers/dense") == (name != "part.h5"))
      #expect(groups.contains("layers/dense_1"))
    }
    #expect(try folder.read("dropped.h5").count < folder.read("same.h5").count)
  }

  /// A group with so many links that they are in a heap, a dataset that nobody wrote and one without extents.
  @Test(arguments: [nil, DType.float64])
  func groupsOfManyLinksAndEmptyDatasetsAreBuiltAgain(dtype: DType?) throws {
    let folder = try TemporaryFolder()
    let reader = try CheckpointReader(opening: FilePath(Fixtures.path("hdf5/new_groups.h5")))
    try merge([reader], to: folder.file("out.h5")) { $0.outputDType = dtype }
    let written = try WeightMap(contentsOf: folder.file("out.h5"))
    #expect(written.tensors.map(\.info.name) == reader.weights.tensors.map(\.info.name))
    #expect(written.tensors.allSatisfy { $0.info.dtype == dtype ?? .float32 })
    for number in 0..<12 {
      let expected = (0..<6).map { Double($0 + number) }
      #expect(try written["layers/many/\(number)"]?.values() == expected)
    }
    #expect(try written["never"]?.values() == [Double](repeating: 0, count: 15))
    #expect(written["none"]?.info.byteCount == 0)
  }

  @Test(arguments: [nil, 4] as [Int?])
  func aPlainFileIsWrittenFromTensorsAlone(level: Int?) throws {
    let folder = try TemporaryFolder()
    var generator = SplitMix(seed: 5)
    let tensors = try [("w", [300, 70]), ("group/b", [5]), ("s", []), ("group/deep/e", [0, 3])].map
    {
      name, shape in
      let values = (0..<shape.reduce(1, *)).map { _ in
        Float(Int.random(in: -50...50, using: &generator))
      }
      return try Tensor(name: name, shape: Shape(shape), values: values)
    }
    let weights = try WeightMap(tensors).recording(Provenance(method: "linear", inputs: []))
    var request = OutputRequest(path: FilePath(folder.file("out.h5")))
    request.compressionLevel = level
    var options = StreamOptions()
    options.verifies = true
    _ = try PreparedOutput(weights, to: request).write(options)
    let written = try WeightMap(contentsOf: folder.file("out.h5"))
    #expect(written.count == tensors.count)
    for tensor in tensors {
      #expect(try written[tensor.info.name]?.bytes() == tensor.bytes())
      #expect(written[tensor.info.name]?.info == tensor.info)
    }
    #expect(written.metadata["imwa"] == weights.metadata["imwa"])
    #expect(try folder.read("out.h5").count < (level == nil ? 90_000 : 50_000))
  }

  @Test func namesThatAreNoPathsAreRefused() throws {
    let folder = try TemporaryFolder()
    for names in [["a", "a/b"], ["/a"], ["a//b"], ["a/./b"], [""], ["a\0b"]] {
      let tensors = try names.map { try Tensor(name: $0, shape: Shape([1]), values: [1]) }
      let error = #expect(throws: CheckpointError.self) {
        try WeightMap(tensors).write(to: folder.file("out.h5"))
      }
      #expect(error?.kind == .usage)
    }
    #expect(try folder.names() == [])
  }

  /// What an earlier merge recorded is not true of the next one.
  @Test func recordsOfEarlierMergesGo() throws {
    let folder = try TemporaryFolder()
    let readers = try readers("keras3_mlp_s1.weights.h5")
    try merge(
      readers, to: folder.file("first.h5"), provenance: Provenance(method: "linear", inputs: []))
    let first = try CheckpointReader(opening: FilePath(folder.file("first.h5")))
    #expect(first.weights.metadata["imwa"] != nil)
    try merge([first, readers[1]], to: folder.file("second.h5"))
    #expect(try WeightMap(contentsOf: folder.file("second.h5")).metadata["imwa"] == nil)
  }

  @Test func safetensorsAreWrittenFromHDF5() throws {
    let folder = try TemporaryFolder()
    let readers = try readers("keras3_mlp_s1.weights.h5")
    try merge(readers, to: folder.file("out.safetensors"))
    try merge(readers, to: folder.file("out.h5"))
    let (first, second) = try (
      WeightMap(contentsOf: folder.file("out.safetensors")),
      WeightMap(contentsOf: folder.file("out.h5"))
    )
    #expect(first.count == second.count)
    for tensor in first.tensors {
      #expect(try tensor.bytes() == second[tensor.info.name]?.bytes())
    }
  }

  /// Chunks are read, computed and written again: the mean of a file with itself is that file.
  @Test func chunkedFilesAreBuiltAgain() throws {
    let folder = try TemporaryFolder()
    let reader = try CheckpointReader(opening: FilePath(Fixtures.path("hdf5/chunked.h5")))
    try merge([reader, reader], to: folder.file("a.h5"))
    try merge([reader, reader], to: folder.file("b.h5"))
    #expect(try folder.read("a.h5") == folder.read("b.h5"))
    let written = try CheckpointReader(opening: FilePath(folder.file("a.h5")))
    for tensor in reader.weights.tensors {
      #expect(try written.weights[tensor.info.name]?.bytes() == tensor.bytes())
    }
    guard case .hdf5(let before) = reader.arrangement, case .hdf5(let after) = written.arrangement
    else { return }
    #expect(before.catalogue.datasets.map(\.filters) == after.catalogue.datasets.map(\.filters))
  }

  @Test func damagedFilesEndInOneSentence() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("malformed/h5"))
    #expect(names.count > 15)
    for name in names {
      do {
        for tensor in try WeightMap(contentsOf: Fixtures.path("malformed/h5/\(name)")).tensors {
          #expect(tensor.info.byteCount < 1 << 30, "\(name)")
        }
      } catch let error as any DiagnosedError {
        #expect(error.kind == .badInput, "\(name): \(error)")
      }
    }
  }

  @Test func randomDamageEndsInOneSentence() throws {
    let folder = try TemporaryFolder()
    let original = try Fixtures.bytes("hdf5/keras2_mlp_s1.weights_legacy.h5")
    var generator = SplitMix(seed: 31)
    for _ in 0..<150 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      let path = try folder.write("damaged.h5", bytes)
      do {
        for tensor in try WeightMap(contentsOf: path).tensors { _ = try tensor.bytes() }
      } catch let error as any DiagnosedError {
        #expect(error.kind == .badInput, "\(error)")
      }
    }
  }
}
