import CHDF5
public import TensorCore

/// A new HDF5 file that libhdf5 writes in a child process from what this process sends.
///
/// The structure is that of a source, or nothing; values are sent in an order that decides their addresses.
/// All calls must come one after the other, from whatever thread.
@safe public final class HDF5Builder: @unchecked Sendable {
  /// How a dataset that no source has is stored.
  public struct NewDataset: Sendable, Hashable {
    /// The extents; empty for a scalar.
    public var shape: [Int]
    /// What the values mean.
    public var dtype: DType
    /// The extents of a chunk; nil for values in one piece.
    public var chunkShape: [Int]?
    /// The level of deflate, behind a shuffle; nil for no compression.
    public var compressionLevel: Int?

    /// Describes a dataset.
    public init(
      shape: [Int], dtype: DType, chunkShape: [Int]? = nil, compressionLevel: Int? = nil
    ) {
      self.shape = shape
      self.dtype = dtype
      self.chunkShape = chunkShape
      self.compressionLevel = compressionLevel
    }
  }

  private var builder: OpaquePointer?

  /// Has a child overwrite the file at `path`, whose structure is nothing but what is created.
  ///
  /// - Parameter byteLimit: the size that the file may reach.
  /// - Throws: `HDF5Error` when no child can be started.
  public convenience init(path: String, byteLimit: Int) throws(HDF5Error) {
    try unsafe self.init(path: path, child: nil, byteLimit: byteLimit)
  }

  /// Has the child that walked a source overwrite the file at `path`; without one, starts a child.
  init(path: String, child: OpaquePointer?, byteLimit: Int) throws(HDF5Error) {
    var result = unsafe imwa_hdf5_result()
    var limits = HDF5Child.limits(fileSize: byteLimit)
    unsafe builder = imwa_hdf5_build_begin(path, child, &limits, &result)
    if unsafe builder == nil { try unsafe HDF5Child.check(result) }
  }

  deinit { abandon() }

  /// Leaves out what is at a path of the source.
  public func drop(_ path: String) { unsafe imwa_hdf5_build_drop(builder, path) }

  /// Takes the values of a dataset from the source.
  public func copy(_ path: String) { unsafe imwa_hdf5_build_copy(builder, path) }

  /// Announces values for a dataset of the source, in another dtype when one is given; returns its number.
  public func feed(_ path: String, as dtype: DType? = nil) -> Int {
    Int(
      unsafe imwa_hdf5_build_feed(
        builder, path, dtype.map(HDF5Builder.element) ?? IMWA_HDF5_AS_STORED))
  }

  /// Adds a dataset, and the groups on the way to it; returns its number.
  public func create(_ path: String, _ dataset: NewDataset) -> Int {
    var description = unsafe imwa_hdf5_new_dataset()
    unsafe description.element = HDF5Builder.element(dataset.dtype)
    unsafe description.rank = UInt32(dataset.shape.count)
    unsafe description.deflate_level = Int32(dataset.compressionLevel ?? -1)
    unsafe description.shuffle = dataset.compressionLevel != nil && dataset.dtype.elementUnit > 1
    let shape = dataset.shape.map { UInt64($0) }
    let chunk = dataset.chunkShape?.map { UInt64($0) } ?? []
    return unsafe shape.withUnsafeBufferPointer { shape in
      unsafe chunk.withUnsafeBufferPointer { chunk in
        unsafe description.shape = shape.baseAddress
        unsafe description.chunk = dataset.chunkShape == nil ? nil : chunk.baseAddress
        return Int(unsafe imwa_hdf5_build_create(builder, path, &description))
      }
    }
  }

  /// Adds a hard link to what is in the new file.
  public func link(_ path: String, to target: String) {
    unsafe imwa_hdf5_build_link(builder, path, target)
  }

  /// Gives an object another path once all values are there.
  public func move(_ path: String, to newPath: String) {
    unsafe imwa_hdf5_build_move(builder, path, newPath)
  }

  /// Gives an attribute of an object of the source other texts, as many as it has; none may hold a zero byte.
  public func setTexts(_ name: String, of path: String, to texts: [String]) {
    let joined = texts.flatMap { $0.utf8CString }
    unsafe joined.withUnsafeBufferPointer { joined in
      unsafe imwa_hdf5_build_list(builder, path, name, joined.baseAddress, joined.count)
    }
  }

  /// Sets a text attribute of the root group, or removes it.
  public func setRootText(_ name: String, to text: String?) {
    unsafe imwa_hdf5_build_text(
      builder, UInt32.max, name, text, text?.utf8.count ?? 0)
  }

  /// Ends what is said of the structure.
  public func start() { unsafe imwa_hdf5_build_start(builder) }

  /// Sends a chunk as it is to be stored.
  ///
  /// - Returns: false when the child has ended; `finish` tells why.
  public func writeChunk(
    _ number: Int, of dataset: Int, filterMask: UInt32, _ buffer: ByteBuffer, _ range: Range<Int>
  ) -> Bool {
    unsafe buffer.withUnsafeBytes(in: range) { bytes in
      unsafe imwa_hdf5_build_chunk(
        builder, UInt32(dataset), UInt64(number), filterMask, bytes.baseAddress, bytes.count)
    }
  }

  /// Sends the next bytes of a dataset that is stored in one piece.
  ///
  /// - Returns: false when the child has ended; `finish` tells why.
  public func writeData(
    of dataset: Int, at offset: Int, _ buffer: ByteBuffer, _ range: Range<Int>
  ) -> Bool {
    unsafe buffer.withUnsafeBytes(in: range) { bytes in
      unsafe imwa_hdf5_build_data(
        builder, UInt32(dataset), UInt64(offset), bytes.baseAddress, bytes.count)
    }
  }

  /// Waits until the file is complete.
  ///
  /// - Throws: `HDF5Error`; then the file is good for nothing.
  public func finish() throws(HDF5Error) {
    var result = unsafe imwa_hdf5_result()
    unsafe imwa_hdf5_build_finish(builder, &result)
    unsafe builder = nil
    defer { unsafe imwa_hdf5_release(&result) }
    try unsafe HDF5Child.check(result, doing: "building a copy of it")
  }

  /// Ends the child; the file is good for nothing.
  public func abandon() {
    if unsafe builder != nil { unsafe imwa_hdf5_build_abandon(builder) }
    unsafe builder = nil
  }

  /// Whether values of a dtype can be stored.
  public static func canStore(_ dtype: DType) -> Bool { elements[dtype] != nil }

  private static let elements: [DType: imwa_hdf5_element] = [
    .float16: IMWA_HDF5_FLOAT16, .float32: IMWA_HDF5_FLOAT32, .float64: IMWA_HDF5_FLOAT64,
    .bfloat16: IMWA_HDF5_BFLOAT16, .int8: IMWA_HDF5_INT8, .int16: IMWA_HDF5_INT16,
    .int32: IMWA_HDF5_INT32, .int64: IMWA_HDF5_INT64, .uint8: IMWA_HDF5_UINT8,
    .uint16: IMWA_HDF5_UINT16, .uint32: IMWA_HDF5_UINT32, .uint64: IMWA_HDF5_UINT64,
    .bool: IMWA_HDF5_BOOL, .complex64: IMWA_HDF5_COMPLEX64, .complex128: IMWA_HDF5_COMPLEX128,
  ]

  private static func element(_ dtype: DType) -> imwa_hdf5_element {
    guard let element = elements[dtype] else {
      preconditionFailure("\(dtype) cannot be stored in HDF5")
    }
    return element
  }
}
