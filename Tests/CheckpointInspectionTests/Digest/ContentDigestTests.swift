import Checkpoints
import FileIO
import TensorCore
import TestSupport
import Testing

@testable import CheckpointInspection

@Suite struct ContentDigestTests {
  @Test func piecesAreDigestedAsDefined() throws {
    var generator = SplitMix(seed: 8)
    let bytes = (0..<1_000_005 * 2).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let tensor = try Tensor(
      name: "ü", shape: Shape([5, 200_001, 2]), encoding: ElementEncoding(.uint8),
      bytes: bytes)
    var pieces = SHA256()
    for start in stride(from: 0, to: bytes.count, by: 4096) {
      var piece = SHA256()
      piece.update(Array(bytes[start..<min(start + 4096, bytes.count)]))
      pieces.update(piece.finalizedBytes())
    }
    let content = try ContentDigest(of: WeightMap([tensor]), options: StreamOptions(threads: 3))
    #expect(content.tensors[0].line == "\(pieces.finalized()) U8 [5,200001,2] 2:ü")
    var whole = SHA256()
    whole.update(Array("imwa-ckpt hash 1\n\(content.tensors[0].line)\n".utf8))
    #expect(content.digest == whole.finalized())
  }

  @Test func orderAndMetadataDoNotCount() throws {
    let (a, b) = (
      try Tensor(name: "a", shape: Shape([1]), values: [1]),
      try Tensor(name: "b", shape: Shape([]), values: [2])
    )
    let first = try ContentDigest(of: WeightMap([a, b], metadata: ["x": "y"]))
    #expect(try ContentDigest(of: WeightMap([b, a])).digest == first.digest)
    let scalar = try Tensor(name: "a", shape: Shape([]), values: [1])
    #expect(try ContentDigest(of: WeightMap([scalar, b])).digest != first.digest)
  }
}
