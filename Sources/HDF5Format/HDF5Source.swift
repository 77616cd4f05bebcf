import CHDF5
import Synchronization

/// An HDF5 file that a child process has walked; the child waits, to build another file like it.
public final class HDF5Source: Sendable {
  /// The child's end in this process: whoever has it is the only one.
  @safe private struct Child: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  /// What is in the file.
  public let catalogue: HDF5Catalogue
  private let child: Mutex<Child?>

  /// Walks an open file, as `HDF5Child.catalogue` does.
  ///
  /// - Throws: `HDF5Error`.
  public init(descriptor: Int32, offset: Int, size: Int) throws(HDF5Error) {
    var result = unsafe imwa_hdf5_result()
    var limits = HDF5Child.limits(fileSize: size)
    let child = unsafe imwa_hdf5_open_source(
      descriptor, UInt64(offset), UInt64(size), &limits, &result
    ).map { unsafe Child(pointer: $0) }
    defer { unsafe imwa_hdf5_release(&result) }
    do {
      catalogue = try unsafe HDF5Child.catalogue(in: result, fileSize: size)
    } catch {
      if let child { unsafe imwa_hdf5_close_source(child.pointer) }
      throw error
    }
    self.child = Mutex(child)
  }

  deinit { close() }

  /// Whether the child waits: it has neither a file to build nor ended.
  public var isWaiting: Bool { child.withLock { $0 != nil } }

  /// Ends the child, when nothing will be built.
  public func close() {
    if let child = take() { unsafe imwa_hdf5_close_source(child.pointer) }
  }

  /// Has the child overwrite the file at `path`; nil when it has another one to build, or was ended.
  ///
  /// - Parameter byteLimit: the size that the file may reach.
  /// - Throws: `HDF5Error`.
  public func builder(path: String, byteLimit: Int) throws(HDF5Error) -> HDF5Builder? {
    guard let child = take() else { return nil }
    return try unsafe HDF5Builder(path: path, child: child.pointer, byteLimit: byteLimit)
  }

  private func take() -> Child? {
    child.withLock { child in
      defer { child = nil }
      return child
    }
  }
}
