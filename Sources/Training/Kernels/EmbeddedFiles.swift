import CTrainingKernels

/// Files that are part of the program.
enum EmbeddedFiles {
  /// The images of the handwritten digits, an IDX file.
  static var digitImages: [UInt8] { unsafe bytes(imwa_digit_images()) }

  /// Their labels, an IDX file.
  static var digitLabels: [UInt8] { unsafe bytes(imwa_digit_labels()) }

  private static func bytes(_ file: imwa_embedded_file) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
  }
}
