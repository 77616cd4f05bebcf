import SystemPackage
import TensorCore

/// What makes an output of a stream's blocks when their places in the file are not known before: chunks that
/// are compressed.
///
/// The layout then describes a file that is never written: its bytes are what the blocks are made of.
protocol OutputBuilder: Sendable {
  /// Starts to build the file at `path`, which exists and is empty.
  func begin(at path: FilePath) throws -> any BuildingSink

  /// The bytes of the layout's file, read back from what was built.
  func written(at path: FilePath) throws -> any ByteSource
}

/// Takes all blocks of a stream and makes a file of them.
protocol BuildingSink: BlockSink {
  /// Completes the file.
  func finish() throws

  /// Gives up; the file is good for nothing.
  func abandon()
}
