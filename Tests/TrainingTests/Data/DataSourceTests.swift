import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Training

/// Long tails, balanced test sets, and the formats that data comes in.
@Suite struct DataSourceTests {
  private static func source(_ text: String, in folder: TemporaryFolder? = nil) throws -> DataSource
  {
    try DataSource(described: folder.map { text.replacing("DIR", with: $0.path) } ?? text)
  }

  /// An IDX file of unsigned bytes.
  private static func idx(_ extents: [Int], _ elements: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 8, UInt8(extents.count)]
    for extent in extents {
      for shift in [24, 16, 8, 0] { bytes.append(UInt8(extent >> shift & 255)) }
    }
    return bytes + elements
  }

  /// The counts of Cui et al.'s formula, computed in NumPy.
  @Test(arguments: [
    (1.0, 6000), (5, 3015), (10, 2396), (20, 1969), (50, 1586), (100, 1383), (200, 1228),
  ])
  func longTailsHaveTheFormulasSizes(imbalance: Double, total: Int) throws {
    let sizes = LongTail.classSizes(largest: 300, imbalance: imbalance, classCount: 20)
    #expect(sizes.reduce(0, +) == total)
    #expect(sizes[0] == 300)
    #expect(sizes[19] == Int((300 / imbalance).rounded(.toNearestOrAwayFromZero)))
    var source = try Self.source("gaussian-mixture")
    source.imbalance = imbalance
    #expect(try source.load().training.classSizes == sizes)
  }

  @Test func setsForMoreImbalanceArePartOfThoseForLess() throws {
    var source = try Self.source("digits")
    source.seed = 7
    source.imbalance = 5
    let few = try source.load()
    source.imbalance = 20
    let fewer = try source.load()
    let known = Set((0..<few.training.count).map { few.training.features(of: $0) })
    #expect(fewer.training.count < few.training.count)
    #expect(
      (0..<fewer.training.count).allSatisfy { known.contains(fewer.training.features(of: $0)) })
    // The test set is the same, balanced, and disjoint.
    #expect(few.test.classSizes == Array(repeating: 48, count: 10))
    #expect((0..<480).allSatisfy { few.test.features(of: $0) == fewer.test.features(of: $0) })
    #expect((0..<480).allSatisfy { !known.contains(few.test.features(of: $0)) })
  }

  @Test func digitsAreComplete() throws {
    let digits = try HandwrittenDigits.load()
    #expect(digits.classSizes == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    let first = digits.features(of: 0)
    #expect(
      first.count == 64 && Array(first[..<8]) == [0, 0, 5 / 16, 13 / 16, 9 / 16, 1 / 16, 0, 0])
    #expect(digits.labels[..<5] == [0, 1, 2, 3, 4])
  }

  @Test func mixturesHaveUnitVariance() throws {
    let data = try Self.source("gaussian-mixture:1.2").load().training
    let moments = data.moments
    #expect(moments.means.allSatisfy { abs($0) < 0.5 })
    let variance = moments.deviations.reduce(0) { $0 + $1 * $1 } / 32
    #expect(abs(variance - 1) < 0.1)
  }

  @Test func mnistIsReadPackedOrNot() throws {
    let folder = try TemporaryFolder()
    try folder.write("train-images-idx3-ubyte", Self.idx([5, 2, 2], (0..<20).map { $0 * 5 }))
    // Python's gzip of an IDX file with the labels 3, 1, 4, 1, 5, with a file name in its header.
    try folder.write("train-labels-idx1-ubyte.gz", Self.packedLabels)
    try folder.write("t10k-images-idx3-ubyte", Self.idx([1, 2, 2], [0, 51, 255, 102]))
    try folder.write("t10k-labels-idx1-ubyte", Self.idx([1], [9]))
    let split = try Self.source("mnist:DIR", in: folder).load()
    #expect(split.training.labels == [3, 1, 4, 1, 5])
    #expect(split.training.features(of: 1) == [20, 25, 30, 35].map { $0 / 255 })
    #expect(split.test.features(of: 0) == [0, 0.2, 1, 0.4])
    #expect(split.test.classCount == 10)
  }

  private static let packedLabels: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x08, 0, 0, 0, 0, 0x02, 0xFF, 0x6C, 0x61, 0x62, 0x65, 0x6C, 0x73, 0x2D, 0x69,
    0x64, 0x78, 0x31, 0x2D, 0x75, 0x62, 0x79, 0x74, 0x65, 0, 0x63, 0x60, 0xE0, 0x60, 0x64, 0x60,
    0x60, 0x60, 0x65, 0x66, 0x64, 0x61, 0x64, 0x05, 0, 0xED, 0x2D, 0xDC, 0x9B, 0x0D, 0, 0, 0,
  ]

  @Test func damagedPackedFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let good = Self.packedLabels
    var cases = (0..<good.count).map { Array(good[..<$0]) }
    for index in [40, good.count - 8, good.count - 4, good.count - 1] {
      var changed = good
      changed[index] ^= 0x7F
      cases.append(changed)
    }
    for (index, bytes) in cases.enumerated() where bytes.count > 2 {
      let path = FilePath(try folder.write("case-\(index)", bytes))
      #expect(throws: TrainingError.self, "case \(index)") { try DataFile.bytes(path) }
    }
    #expect(try DataFile.bytes(FilePath(folder.write("good", good))).count == 13)
  }

  @Test(arguments: ["no zeros", "floats", "cut header", "cut", "too long", "huge extents"])
  func damagedIDXFilesAreRefused(damage: String) {
    let good = Self.idx([2, 3], [1, 2, 3, 4, 5, 6])
    var bytes = good
    switch damage {
    case "no zeros": bytes[0] = 1
    case "floats": bytes[2] = 0x0D
    case "cut header": bytes = Array(good[..<9])
    case "cut": bytes.removeLast()
    case "too long": bytes.append(0)
    default: bytes = Self.idx([1 << 31, 1 << 31, 1 << 31], [])
    }
    #expect(throws: TrainingError.self) { try IDXFile(bytes, label: "x") }
    #expect(throws: Never.self) { try IDXFile(good, label: "x") }
  }

  @Test func cifarIsRead() throws {
    let folder = try TemporaryFolder()
    func record(_ labels: [UInt8], _ pixel: UInt8) -> [UInt8] {
      labels + Array(repeating: pixel, count: 3072)
    }
    for batch in 1...5 {
      try folder.write("data_batch_\(batch).bin", record([UInt8(batch)], 51) + record([0], 255))
    }
    try folder.write("test_batch.bin", record([9], 102))
    let ten = try Self.source("cifar10:DIR", in: folder).load()
    #expect(ten.training.labels == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
    #expect(ten.training.features(of: 8) == Array(repeating: 0.2, count: 3072))
    #expect(ten.test.labels == [9])
    try folder.write("train.bin", record([3, 77], 1))
    try folder.write("test.bin", record([19, 99], 2))
    let hundred = try Self.source("cifar100:DIR", in: folder).load()
    #expect(hundred.training.labels == [77] && hundred.test.labels == [99])
    #expect(hundred.training.classCount == 100)
    try folder.write("test.bin", [1, 2, 3])
    #expect(throws: TrainingError.self) { try Self.source("cifar100:DIR", in: folder).load() }
  }

  @Test func arraysAreRead() throws {
    let folder = try TemporaryFolder()
    typealias Entry = SafetensorsFile.Entry
    let test = [
      Entry("x_test", "U8", [1, 2], [255, 51]),
      Entry("y_test", "I64", [1], [2, 0, 0, 0, 0, 0, 0, 0]),
    ]
    try folder.write(
      "a.safetensors",
      SafetensorsFile.encode(
        [
          Entry("x_train", [1.5, -2, 3, 4], shape: [2, 2]),
          Entry("y_train", "U8", [2, 1], [1, 0]),
        ] + test))
    let split = try Self.source("arrays:DIR/a.safetensors", in: folder).load()
    #expect(split.training.labels == [1, 0] && split.test.labels == [2])
    #expect(split.training.features(of: 0) == [1.5, -2])
    #expect(split.test.features(of: 0) == [1, 0.2])
    #expect(split.training.classCount == 3)
    try folder.write("b.safetensors", SafetensorsFile.encode(test))
    #expect(throws: TrainingError.self) {
      try Self.source("arrays:DIR/b.safetensors", in: folder).load()
    }
  }

  @Test func standardisedFeaturesHaveMeanZeroAndDeviationOne() throws {
    var source = try Self.source("digits")
    source.standardizes = true
    let split = try source.load()
    let moments = split.training.moments
    #expect(moments.means.allSatisfy { abs($0) < 1e-6 })
    // Corners of images are always empty.
    #expect(moments.deviations.allSatisfy { abs($0 - 1) < 1e-5 })
    #expect(split.test.features(of: 3).contains { $0 < -0.5 })
  }

  @Test(arguments: ["mnist", "digits:x", "cifar", "gaussian-mixture:a", "gaussian-mixture:1,2", ""])
  func unknownDataIsRefused(text: String) {
    #expect(throws: TrainingError.self) { try DataSource(described: text) }
  }

  @Test func impossibleSizesAreRefused() throws {
    for change in [
      { $0.imbalance = 0.5 }, { $0.largestClass = 1000 }, { $0.testPerClass = 174 },
      { $0.testPerClass = 0 }, { $0.labelColumn = "1" },
    ] as [(inout DataSource) -> Void] {
      var source = try Self.source("digits")
      change(&source)
      #expect(throws: TrainingError.self) { try source.load() }
    }
  }
}
