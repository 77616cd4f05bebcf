import TensorCore
import TestSupport
import Testing

@testable import PyTorchFormat

@Suite struct PickledStateTests {
  private func tensor(_ name: String, _ dtype: DType, _ extents: [Int], storage: Int) throws
    -> PickledTensor
  {
    PickledTensor(
      try TensorInfo(name: name, dtype: dtype, shape: Shape(extents)), storage: storage)
  }

  @Test func aNewPickleIsOneThatTheParserReads() throws {
    let state = try PickledState([
      tensor("a", .float32, [2, 3], storage: 0), tensor("b", .uint16, [70000], storage: 1),
      tensor("tied", .float32, [2, 3], storage: 0), tensor("scalar", .bool, [], storage: 3),
    ])
    #expect(state.storages == [.new(0), .new(1), .new(3)])
    let tree = try PickleParser.parse(state.bytes)
    #expect(tree.isPlain)
    #expect(tree.object(tree.root)?.kind == .orderedDictionary)
    let storages = tree.objects.filter { $0.kind == .storage }
    #expect(storages.count == 4)
    #expect(tree.globals.map(\.name).contains("torch._utils._rebuild_tensor_v3"))
  }

  @Test(arguments: [DType.float6E2M3, .float6E3M2])
  func dtypesThatPyTorchLacksAreRefused(dtype: DType) throws {
    let tensor = try tensor("a", dtype, [4], storage: 0)
    #expect(throws: PyTorchError.self) { try PickledState([tensor]) }
  }

  @Test func numbersKeepTheirValues() throws {
    var encoder = PickleEncoder()
    let numbers = [0, 255, 256, 65535, 65536, -1, Int.max, Int.min, -(1 << 31)]
    encoder.write(.mark)
    for number in numbers { encoder.write(number) }
    encoder.write(.tuple)
    encoder.write(.stop)
    let tree = try PickleParser.parse(encoder.bytes)
    let read = try #require(tree.tuple(tree.root)).map { value -> Int? in
      if case .integer(let number) = value { number } else { nil }
    }
    #expect(read == numbers)
  }

  @Test func referencesGoBeyond255() throws {
    var encoder = PickleEncoder()
    encoder.write(.mark)
    for number in 0..<300 { encoder.write("text \(number)") }
    for number in 0..<300 { encoder.write("text \(number)") }
    encoder.write(.tuple)
    encoder.write(.stop)
    let tree = try PickleParser.parse(encoder.bytes)
    let texts = try #require(tree.tuple(tree.root)).map { tree.text($0) }
    let expected = (0..<300).map { "text \($0)" }
    #expect(texts == expected + expected)
  }
}
