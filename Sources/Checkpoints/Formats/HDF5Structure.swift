import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// An HDF5 file whose values are to be replaced in a copy, with everything else as it is.
public struct HDF5Structure: Sendable {
  let catalogue: HDF5Catalogue
  let file: ReadableFile

  /// Where the values go, and what is carried over around them.
  func layout(of weights: WeightMap, path: FilePath) throws -> OutputLayout {
    try checkSame(weights, path)
    var placements: [OutputLayout.Placement] = []
    var compact: [Tensor] = []
    for dataset in catalogue.datasets {
      guard let position = weights.position(of: dataset.path) else { continue }
      let tensor = weights.tensors[position]
      switch dataset.storage {
      case .contiguous(let offset) where tensor.info.byteCount > 0:
        placements.append(OutputLayout.Placement(tensor: position, offset: offset))
      case .compact where tensor.info.byteCount > 0: compact.append(tensor)
      default: continue
      }
    }
    placements.sort { $0.offset < $1.offset }
    let carried = try carriedPieces(around: placements, weights)
    let texts = [Provenance.key, Provenance.updateCountKey].compactMap { key in
      weights.metadata[key].map { (key.text, $0) }
    }
    return OutputLayout(
      files: [
        OutputLayout.File(
          name: nil, prefix: [], placements: placements, size: catalogue.fileSize, carried: carried)
      ],
      finish: { [self, compact] staged in try finish(staged, compact: compact, texts: texts) })
  }

  /// In place, every tensor needs the room that it has.
  private func checkSame(_ weights: WeightMap, _ path: FilePath) throws {
    let stored = catalogue.datasets.filter { if case .numbers = $0.type { true } else { false } }
    for dataset in stored {
      guard let info = weights[dataset.path]?.info else {
        throw CheckpointError(
          .usage, path,
          "tensor '\(dataset.path)' is left out, which cannot be done in an HDF5 file",
          hint: "write .safetensors instead")
      }
      guard case .numbers(let encoding) = dataset.type, info.dtype == encoding.dtype,
        info.shape.dimensions == dataset.dimensions ?? [0]
      else {
        throw CheckpointError(
          .usage, path,
          "tensor '\(dataset.path)' has another dtype or shape than in the first input, whose place it "
            + "would take", hint: "write .safetensors instead")
      }
    }
    guard stored.count == weights.count else {
      throw CheckpointError(
        .usage, path, "\(weights.count - stored.count) tensors have no place in the first input",
        hint: "write .safetensors instead")
    }
  }

  /// The bytes of the file between the tensors, as tensors of bytes.
  private func carriedPieces(around placements: [OutputLayout.Placement], _ weights: WeightMap)
    throws -> [OutputLayout.Carried]
  {
    var pieces: [OutputLayout.Carried] = []
    var position = 0
    func carry(to end: Int) throws {
      guard end > position else { return }
      let info = try TensorInfo(name: "", dtype: .uint8, shape: Shape([end - position]))
      pieces.append(
        OutputLayout.Carried(
          bytes: Tensor(info, storage: .bytes(file, offset: position)), offset: position))
    }
    for placement in placements {
      try carry(to: placement.offset)
      position = placement.offset + weights.tensors[placement.tensor].info.byteCount
    }
    try carry(to: catalogue.fileSize)
    return pieces
  }

  /// What libhdf5 must write, it writes into the staged file in a child; then a fresh child walks the result.
  private func finish(_ staged: FilePath, compact: [Tensor], texts: [(String, String)]) throws {
    do {
      for tensor in compact {
        try HDF5Child.writeCompact(
          tensor.info.name, try tensor.bytes(), of: staged.string, size: catalogue.fileSize)
      }
      if !texts.isEmpty {
        try HDF5Child.editRootAttributes(
          texts.map { ($0.0, $0.1) }, of: staged.string, size: catalogue.fileSize)
      }
      let written = try ReadableFile(staged)
      let result = try written.withDescriptor { descriptor throws(HDF5Error) in
        try HDF5Child.catalogue(of: descriptor, size: written.size)
      }
      guard result.hasSameStructure(as: catalogue) else {
        throw CheckpointError(
          .inputOutput, staged,
          "the file that was written has another structure than the first input")
      }
    } catch let error as HDF5Error {
      throw CheckpointError(staged, error)
    }
  }
}
