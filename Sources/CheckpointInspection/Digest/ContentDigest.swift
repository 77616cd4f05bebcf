public import Checkpoints
import FileIO
public import TensorCore

/// A digest of what a checkpoint holds, whatever container holds it: names, shapes, dtypes and values.
///
/// The values of a tensor, little-endian in C order, are cut into pieces of 4096 bytes; its digest is the SHA-256 of
/// the SHA-256 digests of the pieces, one behind the other. The digest of the checkpoint is the SHA-256 of a text: the
/// line `imwa-ckpt hash 1`, and for each tensor, in the order of the bytes of the names, the line
/// `DIGEST DTYPE [d0,d1,...] LENGTH:NAME`, with the number of bytes of the name. Each line ends in a newline.
public struct ContentDigest: Sendable {
  /// The digest of a tensor's values in hexadecimal digits.
  public struct TensorDigest: Sendable {
    /// The tensor.
    public let tensor: TensorInfo
    /// The digest.
    public let digest: String

    /// The line that tells of the tensor.
    public var line: String {
      let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      return
        "\(digest) \(tensor.dtype.rawValue) [\(shape)] \(tensor.name.utf8.count):\(tensor.name)"
    }
  }

  /// How many bytes of values are digested together: as many as the stream cuts at.
  public static let pieceSize = 4096

  /// The digests of the tensors in the order of the bytes of their names.
  public let tensors: [TensorDigest]
  /// The digest of the checkpoint in hexadecimal digits.
  public let digest: String

  /// Reads every value once.
  ///
  /// - Throws: what reading throws, and `StreamError` when it is interrupted.
  public init(of weights: WeightMap, options: StreamOptions = StreamOptions()) throws {
    precondition(ContentDigest.pieceSize == BlockReductions.unit)
    var options = options
    options.nonFinite = .allow
    let rows = try weights.tensors.map { [try $0.rawBytes()] }
    let found = try BlockReductions(rows, inputCount: 1, options: options)
      .run(DigestReduction(rowCount: rows.count)).reduction.rows
    tensors = zip(weights.tensors, found)
      .map { TensorDigest(tensor: $0.info, digest: $1.finalized()) }
      .sorted { ExactString($0.tensor.name) < ExactString($1.tensor.name) }
    var digest = SHA256()
    digest.update(Array("imwa-ckpt hash 1\n".utf8))
    for tensor in tensors { digest.update(Array("\(tensor.line)\n".utf8)) }
    self.digest = digest.finalized()
  }
}

/// Adds the digests of pieces in their order.
private struct DigestReduction: BlockReduction {
  private(set) var rows: [SHA256]

  init(rowCount: Int) { rows = Array(repeating: SHA256(), count: rowCount) }

  func makeWorker() -> Worker { Worker() }

  mutating func add(_ partial: [UInt8], ofRow row: Int) { rows[row].update(partial) }

  final class Worker: ReductionWorker {
    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: [UInt8], isFinite: Bool)
    {
      let offset = operands.inputOffsets[0]
      var digests: [UInt8] = []
      for start in stride(from: 0, to: operands.elementCount, by: ContentDigest.pieceSize) {
        let end = min(start + ContentDigest.pieceSize, operands.elementCount)
        var digest = SHA256()
        digest.update(buffer.bytes(in: offset + start..<offset + end))
        digests += digest.finalizedBytes()
      }
      return (digests, true)
    }
  }
}
