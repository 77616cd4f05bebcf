import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// Feeds the child process that builds an HDF5 file with the blocks of a stream.
struct HDF5RebuildWriter: OutputBuilder {
  let rebuild: HDF5Rebuild
  let placements: [OutputLayout.Placement]

  func begin(at path: FilePath) throws -> any BuildingSink {
    do {
      let builder = try makeBuilder(path)
      for dropped in rebuild.dropped { builder.drop(dropped) }
      for copied in rebuild.copied { builder.copy(copied) }
      let numbers = rebuild.fed.map { item in
        switch item.content {
        case .source(let dtype): builder.feed(item.path, as: dtype)
        case .new(let dataset): builder.create(item.path, dataset)
        }
      }
      for (path, dtype) in rebuild.unwritten { _ = builder.feed(path, as: dtype) }
      for (path, target) in rebuild.linked { builder.link(path, to: target) }
      let (moves, lists) = rebuild.moving
      for move in moves { builder.move(move.path, to: move.newPath) }
      for list in lists { builder.setTexts(list.attribute, of: list.group, to: list.texts) }
      for (name, text) in rebuild.texts { builder.setRootText(name, to: text) }
      builder.start()
      return HDF5RebuildSink(self, builder: builder, numbers: numbers)
    } catch let error as HDF5Error {
      throw error.whileWriting(rebuild.path, from: rebuild.source?.path)
    }
  }

  private func makeBuilder(_ path: FilePath) throws -> HDF5Builder {
    // What is copied is no larger than the source, and what is fed can grow a little when it is compressed.
    let fedSize = rebuild.fed.reduce(0) { sum, item in
      sum + rebuild.weights.tensors[item.tensor].info.byteCount / 2 * 3 + (64 << 10)
    }
    guard let source = rebuild.source else {
      return try HDF5Builder(path: path.string, byteLimit: fedSize)
    }
    return try source.builder(path: path, byteLimit: 2 * source.catalogue.fileSize + fedSize)
  }

  func written(at path: FilePath) throws -> any ByteSource {
    let file = try HDF5File(try ReadableFile(path))
    let tensors = try zip(rebuild.fed, placements).map { item, placement in
      guard let dataset = file.dataset(at: rebuild.finalPath(of: item.path)),
        let tensor = try file.tensor(dataset)
      else {
        throw HDF5Structure.otherStructure(path)
      }
      return try placement.chunks.map { try tensor.ordered(by: $0) } ?? tensor
    }
    return WrittenValues(label: path.string, placements: placements, tensors: tensors)
  }
}

/// The values of a file that was built, at the places of the layout.
private final class WrittenValues: ByteSource {
  let label: String
  private let placements: [OutputLayout.Placement]
  private let tensors: [Tensor]

  init(label: String, placements: [OutputLayout.Placement], tensors: [Tensor]) {
    self.label = label
    self.placements = placements
    self.tensors = tensors
  }

  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    var index = max(0, placements.partitioningIndex { $0.offset > offset } - 1)
    while index < placements.count, placements[index].offset < offset + count {
      let start = placements[index].offset
      let byteCount = tensors[index].info.byteCount
      let part = max(start, offset)..<min(start + byteCount, offset + count)
      if !part.isEmpty {
        let target = position + part.lowerBound - offset
        try tensors[index].read(
          bytes: part.lowerBound - start..<part.upperBound - start, into: buffer, at: target)
        if let width = placements[index].reversedWidth {
          buffer.reverseElements(in: target..<target + part.count, width: width)
        }
      }
      index += 1
    }
  }
}
