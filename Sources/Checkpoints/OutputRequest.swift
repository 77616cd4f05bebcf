public import FileIO
public import SystemPackage
public import TensorCore

/// What is to be written where.
public struct OutputRequest: Sendable {
  /// The file or folder.
  public var path: FilePath
  /// Whether it is a file or a folder.
  public var form: StagedOutput.Form
  /// The format that was asked for; nil for the one that the name tells, or that of the first input.
  public var format: (any CheckpointFormat.Type)?
  /// The format of the first input, which an output has whose name tells none; nil when there is no input.
  public private(set) var firstFormat: (any CheckpointFormat.Type)?
  /// The most bytes of tensors in one file of a folder; nil for no limit of its own.
  public var maximumShardSize: Int?
  /// The name that the index in the folder gets; nil for that of the first input, or the usual one.
  public var indexName: String?
  /// Whether tensors that are one under several names are written one by one, where a format keeps ties.
  public var unties = false
  /// The arrangement to keep in a folder, when no shard size is asked for.
  public var arrangement: CheckpointReader.Arrangement?
  /// The level of deflate where a format compresses only when asked; nil for no compression.
  public var compressionLevel: Int?
  /// The folder whose sidecar files are carried over.
  public var sidecarFolder: FilePath?
  /// The dtype that was asked for, which a configuration beside the weights must tell; nil for none.
  public var outputDType: DType?
  /// What to do when the path is taken.
  public var existing: StagedOutput.Existing
  /// Whether the result is forced to the disk.
  public var durability: Durability

  /// Asks for a new file.
  public init(
    path: FilePath, form: StagedOutput.Form = .file, existing: StagedOutput.Existing = .refuse,
    durability: Durability = .full
  ) {
    self.path = path
    self.form = form
    self.existing = existing
    self.durability = durability
  }

  /// Asks for an output that takes over from the first input what is not computed: its format where the name tells
  /// none, its arrangement, and the sidecar files of a folder.
  public mutating func take(from first: CheckpointReader) {
    firstFormat = first.format
    arrangement = first.arrangement
    if form == .folder { sidecarFolder = first.folder }
  }
}

extension OutputRequest {
  /// The format that is written: the one asked for, the one that the end of the name tells, or that of the first input.
  ///
  /// - Throws: `CheckpointError` when none of them tells it, or a folder cannot have it.
  package func chosenFormat() throws -> any CheckpointFormat.Type {
    if form == .folder {
      let usual = try CheckpointFormats.format(forFolder: self)
      guard let format, format.name != usual.name else { return usual }
      throw CheckpointError(
        .usage, path, "this folder would hold \(usual.name) files, not \(format.name)",
        hint: "name a file that ends in \(format.suffixes[0])")
    }
    if let found = format ?? CheckpointFormats.format(forOutput: path, after: firstFormat) {
      return found
    }
    throw CheckpointError(
      .usage, path, "the name does not tell the format of the output",
      hint: "end it in " + CheckpointFormats.all.flatMap { $0.suffixes }.joined(separator: " or ")
        + ", or in / for a folder")
  }

  /// Places tensors in the output's files.
  ///
  /// - Throws: when the format cannot hold a tensor.
  func layout(of weights: WeightMap) throws -> OutputLayout {
    if case .components(let model)? = arrangement {
      return try model.layout(of: weights, for: self)
    }
    return try chosenFormat().layout(of: weights, for: self)
  }

  /// The name of a file in the output folder, that of a file of the first input; nil when the output is a file.
  func fileName(like file: ReadableFile) -> String? {
    form == .folder ? file.path.lastComponent?.string : nil
  }
}
