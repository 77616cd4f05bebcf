import Compression
public import FileIO
import SystemPackage
public import TensorCore

/// An output that was checked and laid out, but of which no byte is written yet.
///
/// The sentence of the toolkit ends here: the weights are streamed into files, which are committed in one
/// step.
public final class PreparedOutput {
  /// The weights that will be written.
  public let weights: WeightMap
  /// The number of bytes of all files that are made; before a compressed one is made, of what is compressed.
  public private(set) var byteCount: Int
  /// The files that are made, in the output folder; empty when the output is one file.
  public let fileNames: [String]

  /// What a user should know of what the output will be.
  public var notices: [String] { layout.notices + sidecars.notices }

  private let layout: OutputLayout
  private let staged: StagedOutput
  private let request: OutputRequest
  private let sidecars: Sidecars
  /// The output and what goes into it, when it encloses what is streamed.
  private var enclosing: WritableFile?
  private var contents: WritableFile?

  /// Lays an output out and checks that it can be written: names, formats, free space.
  ///
  /// - Throws: `FileError`, `CheckpointError`, and what the format cannot hold.
  public init(_ weights: WeightMap, to request: OutputRequest) throws {
    let format = try request.chosenFormat()
    guard request.compressionLevel == nil || format.compresses else {
      throw CheckpointError(
        .usage, request.path, "\(format.name) files are not compressed",
        hint: "leave --compress out, or write .h5")
    }
    guard !weights.isWithoutValues else {
      throw CheckpointError(
        .badInput, request.path, "all \(weights.count) tensors that it would hold are empty",
        hint: "the inputs tell names without values: the weights are in other files beside them")
    }
    self.weights = weights
    self.request = request
    layout = try request.layout(of: weights)
    byteCount = layout.byteCount
    sidecars = try Sidecars(for: request)
    let names = layout.parts.flatMap { $0.layout.files } + layout.files
    fileNames = names.compactMap(\.name) + layout.texts.map(\.name) + sidecars.files.map(\.name)
    staged = try StagedOutput(
      request.form, at: request.path, existing: request.existing, durability: request.durability)
    try checkReplacedFolder()
    try checkFreeSpace()
  }

  /// Where the output will be: where a symbolic link leads to, when the path given is one.
  public var destination: String { staged.destination.string }

  /// Writes everything and puts it in its place in one step.
  ///
  /// - Throws: `StreamError`, `FileError`; nothing is left behind then.
  public func write(_ options: StreamOptions = StreamOptions()) throws -> StreamReport {
    defer { staged.discard() }
    let ours = try replacedNames().union(fileNames)
    try staged.begin(folders: Set(fileNames.flatMap(\.enclosingFolders))) { !ours.contains($0) }
    let report = try writeParts(options)
    for file in sidecars.files { try write(file) }
    // An index is written when all that it names is there.
    for text in layout.texts {
      try staged.createFile(named: text.name, size: text.bytes.count).write(text.bytes, at: 0)
    }
    if let signal = options.interruption() { throw StreamError.interrupted(signal) }
    try staged.commit()
    return report
  }

  private func writeParts(_ options: StreamOptions) throws -> StreamReport {
    let parts = layout.asParts(of: weights)
    var report = StreamReport()
    var done = 0
    for part in parts {
      var partOptions = options
      let (start, total) = (done, layout.byteCount)
      partOptions.progress = { options.progress(start + $0, max(total, start + $1)) }
      let stream = TensorStream(part.weights, layout: part.layout, options: partOptions)
      let written =
        try part.layout.builder.map { try build(part.layout, $0, stream) }
        ?? fill(part.layout, stream)
      report.disagreeing += written.disagreeing
      try encloseContents()
      for source in stream.program.inputs.sources { try source.checkUnchanged() }
      done += part.layout.byteCount
    }
    return report
  }

  /// Writes blocks to their places.
  private func fill(_ layout: OutputLayout, _ stream: TensorStream) throws -> StreamReport {
    let files = try layout.files.map { try createFile(named: $0.name, size: $0.size) }
    let checksums = layout.files.map { RangeChecksums($0.summed) }
    let report = try stream.run(into: FileSink(files: files, checksums: checksums))
    if stream.options.verifies {
      let written = try files.map { try ReadableFile($0.path) }
      for (file, expected) in zip(written, layout.files) where file.size != expected.size {
        throw StreamError.verification(file.path.string, nil, at: min(file.size, expected.size))
      }
      try verify(stream, written)
    }
    for (file, sums) in zip(files, checksums) { try layout.finish?(file.path, sums) }
    return report
  }

  /// Has a file built of the blocks.
  private func build(
    _ layout: OutputLayout, _ builder: any OutputBuilder, _ stream: TensorStream
  ) throws -> StreamReport {
    let file = try createFile(named: layout.files[0].name, size: 0)
    let sink = try builder.begin(at: file.path)
    let report: StreamReport
    do {
      report = try stream.run(into: sink)
      try sink.finish()
    } catch {
      sink.abandon()
      throw error
    }
    try layout.finish?(file.path, RangeChecksums([]))
    if stream.options.verifies { try verify(stream, [try builder.written(at: file.path)]) }
    byteCount += (FileStatus(of: file.path)?.size ?? layout.byteCount) - layout.byteCount
    return report
  }

  /// The file that blocks are written to: one beside the output, when the output encloses it.
  private func createFile(named name: String?, size: Int) throws -> WritableFile {
    guard layout.enclose != nil else { return try staged.createFile(named: name, size: size) }
    enclosing = try staged.createFile(size: 0)
    let contents = try staged.createScratchFile(size: size)
    self.contents = contents
    return contents
  }

  private func encloseContents() throws {
    guard let enclose = layout.enclose, let enclosing, let contents else { return }
    try enclose(try ReadableFile(contents.path, label: request.path.string), enclosing)
    staged.removeScratchFile()
    byteCount = FileStatus(of: enclosing.path)?.size ?? byteCount
  }

  /// A folder that holds no model was most likely named by mistake: a home folder, a data set.
  private func checkReplacedFolder() throws {
    guard request.form == .folder, staged.replacesContents, try replacedNames().isEmpty else {
      return
    }
    throw CheckpointError(
      .cannotCreate, request.path, "the folder holds no model that could be replaced",
      hint: "name a new folder, or an empty one")
  }

  private func replacedNames() throws -> Set<String> {
    guard request.form == .folder, staged.replacesContents else { return [] }
    return try CheckpointFolder.modelFiles(in: staged.destination, replacedBy: request)
  }

  private func write(_ sidecar: Sidecars.File) throws {
    guard let text = sidecar.text else {
      let source = try ReadableFile(sidecar.path)
      return try staged.createFile(named: sidecar.name, size: source.size).fill(from: source)
    }
    try staged.createFile(named: sidecar.name, size: text.count).write(text, at: 0)
  }

  /// Reads the inputs again, computes again, and compares with what was written.
  private func verify(_ stream: TensorStream, _ written: [any ByteSource]) throws {
    _ = try stream.run(into: VerifyingSink(files: written, program: stream.program))
  }

  private func checkFreeSpace() throws {
    let sidecarSize = sidecars.files.reduce(0) { $0 + $1.size }
    try FreeSpace.check(needed: byteCount + sidecarSize, for: staged.destination, as: request.path)
  }
}

/// Whether there is room for an output.
enum FreeSpace {
  /// Checks the file system of a path.
  ///
  /// - Parameter name: what the path is called in messages.
  /// - Throws: `CheckpointError` when it has not so many bytes free.
  static func check(needed: Int, for path: FilePath, as name: FilePath? = nil) throws {
    guard let free = Folder.freeSpace(at: path.folder), free < needed else { return }
    throw CheckpointError(
      .inputOutput, name ?? path,
      "the output needs \(ByteCount.text(needed)), but only \(ByteCount.text(free)) are free",
      hint: "free some space, or write to another disk")
  }
}

extension WeightMap {
  /// Writes a checkpoint: to a file whose name tells the format, in one step.
  ///
  /// NaN and infinity are an error where values are combined; values that are only copied pass.
  ///
  /// - Throws: `FileError` when the file exists or cannot be written, `StreamError` for NaN.
  public func write(
    to path: String, existing: StagedOutput.Existing = .refuse,
    options: StreamOptions = StreamOptions()
  ) throws {
    let request = OutputRequest(path: FilePath(path), existing: existing)
    _ = try PreparedOutput(self, to: request).write(options)
  }

  /// Opens a checkpoint: a file, an index of shards, or a folder that holds a model.
  ///
  /// No data is read until it is asked for.
  ///
  /// - Throws: `CheckpointError` for what is no checkpoint or is damaged, `FileError`.
  public init(contentsOf path: String) throws {
    self = try CheckpointReader(opening: FilePath(path)).weights
  }
}

extension String {
  /// The folders that a file with this path lies in: of `a/b/c`, `a` and `a/b`.
  fileprivate var enclosingFolders: [String] {
    utf8.indices.filter { utf8[$0] == UInt8(ascii: "/") }.map { String(self[..<$0]) }
  }
}

/// Numbers of bytes for people.
public enum ByteCount {
  /// Three digits and a decimal unit: `1.05 GB`.
  public static func text(_ count: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    var value = Double(count)
    var unit = 0
    while value >= 999.5, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    if unit == 0 { return "\(count) bytes" }
    let decimals = value < 9.995 ? 100.0 : value < 99.95 ? 10.0 : 1.0
    let rounded = (value * decimals).rounded() / decimals
    let text = rounded.description
    return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) \(units[unit])"
  }
}
