import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// An open HDF5 file, or one inside of another file, and what is in it.
struct HDF5File: Sendable {
  /// What a file is opened for.
  enum Purpose {
    /// Its values are read.
    case values
    /// It may give a new file its structure, too.
    case structure
  }

  let catalogue: HDF5Catalogue
  /// The names of its datasets as tensors.
  private(set) var names: HDF5TensorNames
  let file: ReadableFile
  /// Where the HDF5 file starts in `file`.
  let offset: Int

  /// How many bytes of `file` it has.
  private let size: Int
  /// The child that walked the file, where it waits to build another one.
  private let walked: HDF5Source?
  private let decoder = ChunkDecoder()

  /// Has a child process walk a file.
  ///
  /// - Parameters:
  ///   - range: the part of the file that is the HDF5 file; nil for all of it.
  ///   - purpose: for which its child may have to stay.
  init(_ file: ReadableFile, in range: Range<Int>? = nil, for purpose: Purpose = .values) throws {
    let range = range ?? 0..<file.size
    do {
      (catalogue, walked) = try file.withDescriptor {
        descriptor throws(HDF5Error) -> (HDF5Catalogue, HDF5Source?) in
        let (offset, size) = (range.lowerBound, range.count)
        switch purpose {
        case .values:
          return (try HDF5Child.catalogue(of: descriptor, offset: offset, size: size), nil)
        case .structure:
          let walked = try HDF5Source(descriptor: descriptor, offset: offset, size: size)
          return (walked.catalogue, walked)
        }
      }
      names = try HDF5TensorNames(catalogue)
    } catch let error where error.code == .tooNew {
      throw CheckpointError(
        .badInput, FilePath(file.label), error.description,
        hint: HDF5Error.rewritingHint(of: file.label))
    } catch {
      throw CheckpointError(FilePath(file.label), error)
    }
    self.file = file
    offset = range.lowerBound
    size = range.count
  }

  /// Starts to build a file like this one.
  ///
  /// Where no child waits, the file is walked again.
  ///
  /// - Throws: `HDF5Error` when no child can be started, `CheckpointError` when another walk finds another catalogue.
  func builder(path: FilePath, byteLimit: Int) throws -> HDF5Builder {
    if let builder = try walked?.builder(path: path.string, byteLimit: byteLimit) {
      return builder
    }
    let source = try file.withDescriptor { descriptor throws(HDF5Error) in
      try HDF5Source(descriptor: descriptor, offset: offset, size: size)
    }
    guard source.catalogue == catalogue,
      let builder = try source.builder(path: path.string, byteLimit: byteLimit)
    else {
      throw CheckpointError(
        .badInput, self.path, "it was changed while it was being read",
        hint: "wait until nothing writes to it")
    }
    return builder
  }

  /// Whether a child waits to build another file.
  var hasChild: Bool { walked?.isWaiting ?? false }

  /// Nothing will be built: the child that waits for it is ended.
  func endChild() { walked?.close() }

  /// What messages call it: a file that was unpacked has the name of its archive.
  var path: FilePath { FilePath(file.label) }

  /// The same file, whose tensors are called otherwise.
  func renamed(_ newNames: [ExactString: String]) -> HDF5File {
    var file = self
    file.names = names.renamed(newNames)
    return file
  }

  /// The dataset that a path leads to.
  func dataset(at path: String) -> HDF5Catalogue.Dataset? {
    names.number(of: path).map { catalogue.datasets[$0] }
  }

  /// The values of a dataset under its own path; nil when they are not those of a tensor.
  func tensor(_ dataset: HDF5Catalogue.Dataset) throws -> Tensor? {
    guard dataset.isTensor else { return nil }
    switch dataset.type {
    case .numbers(let encoding): return try tensor(dataset, encoding)
    case .floats(let layout): return try tensor(dataset, layout)
    case .opaquePairs, .unreadNumbers, .other: return nil
    }
  }

  /// The values of a dataset of numbers.
  private func tensor(_ dataset: HDF5Catalogue.Dataset, _ encoding: ElementEncoding) throws
    -> Tensor
  {
    let info = try info(dataset, encoding.dtype)
    guard info.byteCount > 0 else {
      return Tensor(info, storage: .bytes(MemoryBytes([]), offset: 0))
    }
    return Tensor(info, storage: try storage(dataset, encoding, info))
  }

  /// The values of a dataset of floating-point numbers that no dtype has, as float64.
  private func tensor(_ dataset: HDF5Catalogue.Dataset, _ layout: FloatLayout) throws -> Tensor {
    let info = try info(dataset, .float64)
    let source: any ByteSource
    switch dataset.storage {
    case _ where info.byteCount == 0: source = MemoryBytes([])
    case .contiguous(let place):
      source = DecodedFloats(file, from: offset + place, layout: layout)
    case .compact(let bytes):
      guard bytes.count == dataset.byteCount else { throw wrongCount(dataset, bytes.count) }
      source = DecodedFloats(MemoryBytes(bytes), layout: layout)
    case .neverWritten, .chunked(_, []):
      let fill =
        dataset.fill.count == layout.size
        ? dataset.fill : [UInt8](repeating: 0, count: layout.size)
      source = RepeatedBytes(layout.decoded(fill), label: file.label)
    case .chunked:
      source = DecodedFloats(
        try chunkedValues(dataset, elementSize: layout.size, reversedWidth: nil), layout: layout)
    }
    return Tensor(info, storage: .bytes(source, offset: 0))
  }

  private func info(_ dataset: HDF5Catalogue.Dataset, _ dtype: DType) throws -> TensorInfo {
    do {
      return try TensorInfo(
        name: dataset.path, dtype: dtype, shape: Shape(dataset.dimensions ?? [0]))
    } catch {
      throw CheckpointError(.badInput, path, "dataset '\(dataset.path)': \(error)")
    }
  }

  private func wrongCount(_ dataset: HDF5Catalogue.Dataset, _ found: Int) -> CheckpointError {
    CheckpointError(
      .badInput, path,
      "dataset '\(dataset.path)': expected \(dataset.byteCount ?? 0) bytes of values, found \(found)"
    )
  }

  private func chunkedValues(
    _ dataset: HDF5Catalogue.Dataset, elementSize: Int, reversedWidth: Int?
  ) throws -> ChunkedValues {
    do {
      return try ChunkedValues(
        dataset, elementSize: elementSize, reversedWidth: reversedWidth, in: file, offset: offset,
        decoder: decoder)
    } catch {
      throw CheckpointError(path, error)
    }
  }

  private func storage(
    _ dataset: HDF5Catalogue.Dataset, _ encoding: ElementEncoding, _ info: TensorInfo
  ) throws -> TensorStorage {
    switch dataset.storage {
    case .contiguous(let place):
      // All little-endian values share one source, so that neighbours are read together.
      guard let width = encoding.reversedWidth else { return .bytes(file, offset: offset + place) }
      return .bytes(ReversedBytes(file, width: width), offset: offset + place)
    case .compact(let bytes):
      guard bytes.count == info.byteCount else { throw wrongCount(dataset, bytes.count) }
      return .bytes(MemoryBytes(bytes, encoding: encoding), offset: 0)
    case .neverWritten, .chunked(_, []):
      let fill = encoding.littleEndian(dataset.fillElement(encoding))
      return .bytes(RepeatedBytes(fill, label: file.label), offset: 0)
    case .chunked:
      let values = try chunkedValues(
        dataset, elementSize: info.dtype.elementUnit, reversedWidth: encoding.reversedWidth)
      return .bytes(values, offset: 0)
    }
  }
}

extension ReadingOptions {
  /// What an HDF5 file is opened for.
  var purpose: HDF5File.Purpose { givesStructure ? .structure : .values }
}

extension HDF5Error {
  /// The error of a child that was writing `path`, with what it took from `source`.
  func whileWriting(_ path: FilePath, from source: FilePath?) -> any DiagnosedError {
    if let systemError, systemError > 0 { return FileError.write(path, number: systemError) }
    switch kind {
    case .interrupted: return self
    case .badInput where code != .stalled:
      // What the child writes is ours: damage is the source's, and so is what unfolds without end.
      if let source { return CheckpointError(source, self) }
      return CheckpointError(.inputOutput, path, "it could not be written: \(description)")
    default:
      return CheckpointError(.inputOutput, path, "it could not be written: \(description)")
    }
  }
}

extension HDF5Catalogue.Dataset {
  /// One element that was never written, as it is stored; zero when the file does not tell.
  func fillElement(_ encoding: ElementEncoding) -> [UInt8] {
    let size = encoding.dtype.elementUnit
    return fill.count == size ? fill : [UInt8](repeating: 0, count: size)
  }

  /// What is stored when all of the dataset is numbers; nil for others.
  var encoding: ElementEncoding? {
    if case .numbers(let encoding) = type { encoding } else { nil }
  }

  /// The layout of floating-point numbers that no dtype has; nil for others.
  var floats: FloatLayout? {
    if case .floats(let layout) = type { layout } else { nil }
  }

  /// Whether nobody ever wrote to the dataset, so that it has no storage.
  var hasNoStorage: Bool {
    switch storage {
    case .neverWritten, .chunked(_, []): true
    case .contiguous, .compact, .chunked: false
    }
  }

  /// Whether the dataset consists of values that an output has to be given.
  var hasValues: Bool { (byteCount ?? 0) > 0 }
}
