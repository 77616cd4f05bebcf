import CHDF5
import TensorCore

/// libhdf5 in a child process with limits: whatever it does there, this process goes on.
public enum HDF5Child {
  /// Walks an open file.
  ///
  /// - Parameters:
  ///   - descriptor: the file, open for reading; it stays the same one for what is read later.
  ///   - offset: where the HDF5 file starts in it; the catalogue's addresses count from there.
  ///   - size: the size of the HDF5 file.
  /// - Throws: `HDF5Error`.
  public static func catalogue(of descriptor: Int32, offset: Int = 0, size: Int) throws(HDF5Error)
    -> HDF5Catalogue
  {
    var result = unsafe imwa_hdf5_result()
    var limits = limits(fileSize: size)
    unsafe imwa_hdf5_walk_region(descriptor, UInt64(offset), UInt64(size), &limits, &result)
    defer { unsafe imwa_hdf5_release(&result) }
    return try unsafe catalogue(in: result, fileSize: size)
  }

  /// The catalogue that a walk brought back.
  static func catalogue(in result: imwa_hdf5_result, fileSize: Int) throws(HDF5Error)
    -> HDF5Catalogue
  {
    try unsafe check(result)
    let message = unsafe Array(
      UnsafeBufferPointer(start: result.message, count: result.message_size))
    return try HDF5Catalogue(message: message, fileSize: fileSize)
  }

  /// Sets text attributes of the root group of a file, or removes them where the text is nil.
  ///
  /// - Throws: `HDF5Error`.
  public static func editRootTexts(
    _ texts: [(name: String, text: String?)], of path: String, size: Int
  ) throws(HDF5Error) {
    var result = unsafe imwa_hdf5_result()
    var limits = limits(fileSize: size)
    let lengths = texts.map { $0.text?.utf8.count ?? 0 }
    unsafe withStrings(texts.map(\.name)) { names in
      unsafe withStrings(texts.map(\.text)) { values in
        unsafe imwa_hdf5_edit_attributes(
          path, &limits, "", texts.count, names, values, lengths, &result)
      }
    }
    defer { unsafe imwa_hdf5_release(&result) }
    try unsafe check(result, doing: "changing it")
  }

  /// Overwrites the values of datasets that have them in their headers.
  ///
  /// - Throws: `HDF5Error`.
  public static func writeCompact(
    _ datasets: [(path: String, bytes: [UInt8])], of path: String, size: Int
  ) throws(HDF5Error) {
    var result = unsafe imwa_hdf5_result()
    var limits = limits(fileSize: size)
    let sizes = datasets.map(\.bytes.count)
    // All values one after the other, and where each begins.
    let all = datasets.flatMap(\.bytes)
    unsafe withStrings(datasets.map(\.path)) { names in
      unsafe all.withUnsafeBytes { values in
        var data: [UnsafeRawPointer?] = unsafe []
        var next = 0
        for size in sizes {
          unsafe data.append(values.baseAddress.map { unsafe $0 + next })
          next += size
        }
        unsafe imwa_hdf5_write_compact(
          path, &limits, datasets.count, names, &data, sizes, &result)
      }
    }
    defer { unsafe imwa_hdf5_release(&result) }
    try unsafe check(result, doing: "changing it")
  }

  /// Calls `body` with C strings; nil is a null pointer.
  private static func withStrings(
    _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Void
  ) {
    var bytes: [CChar] = []
    let starts = strings.map { text -> Int? in
      guard let text else { return nil }
      defer { bytes += text.utf8CString }
      return bytes.count
    }
    unsafe bytes.withUnsafeBufferPointer { bytes in
      let pointers = unsafe starts.map { start in
        unsafe start.flatMap { start in unsafe bytes.baseAddress.map { unsafe $0 + start } }
      }
      unsafe pointers.withUnsafeBufferPointer { pointers in
        if let start = pointers.baseAddress { unsafe body(start) }
      }
    }
  }

  /// Generous for real files: what needs more is an attack.
  ///
  /// A small file gets little, since what is in it and what it makes libhdf5 do grow with it.
  static func limits(fileSize: Int) -> imwa_hdf5_limits {
    let mebibytes = min(fileSize, 1 << 50) >> 20
    return imwa_hdf5_limits(
      processor_seconds: UInt32(2 + mebibytes >> 1), wall_milliseconds: 30_000,
      memory_bytes: UInt64(min(224 + mebibytes, 1024)) << 20,
      message_bytes: UInt64(min(16 + mebibytes << 2, 1024)) << 20,
      object_count: 4_000_000, chunk_count: 2_000_000 + UInt64(mebibytes) << 15, depth: 1000,
      file_bytes: UInt64(fileSize) + 64 << 20)
  }

  /// - Parameter work: what the child did, for a sentence about a limit.
  static func check(_ result: imwa_hdf5_result, doing work: String = "walking it")
    throws(HDF5Error)
  {
    let reason = unsafe text(of: result.reason)
    let place = unsafe text(of: result.object_path)
    let at = place.isEmpty ? "" : " at '\(place)'"
    let damaged =
      "the file is incomplete or damaged: download or copy it again, and compare its size"
    switch unsafe result.outcome {
    case IMWA_HDF5_COMPLETE: return
    case IMWA_HDF5_REFUSED: throw HDF5Error(.refused, reason)
    case IMWA_HDF5_TOO_NEW:
      throw HDF5Error(.tooNew, reason)
    case IMWA_HDF5_OUT_OF_LIMITS:
      throw HDF5Error(
        .outOfLimits, "damaged HDF5 file\(at): \(work) takes too much: \(reason)",
        hint: "what is in the file needs far more than others of its size")
    case IMWA_HDF5_STALLED:
      throw HDF5Error(.stalled, "\(work)\(at) came to no end in time")
    case IMWA_HDF5_NOT_HDF5: throw HDF5Error(.damaged, "no HDF5 signature")
    case IMWA_HDF5_INTERRUPTED:
      throw HDF5Error(.interrupted(signal: unsafe result.code), "interrupted")
    case IMWA_HDF5_SYSTEM_FAILURE:
      throw HDF5Error(
        .system, "a system call failed: \(reason)", systemError: unsafe result.code)
    default:
      throw HDF5Error(
        .damaged, "damaged HDF5 file\(at)" + (reason.isEmpty ? "" : ": \(reason)"), hint: damaged)
    }
  }

  /// The text in a fixed array of characters.
  private static func text<Characters>(of characters: Characters) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
