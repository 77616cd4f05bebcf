import CTrainingKernels

/// 1,797 images of handwritten digits, 8×8 pixels of 0…16, which are part of the program.
///
/// Source: the test set of "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
enum HandwrittenDigits {
  /// All images, in the order of the source.
  ///
  /// - Throws: `TrainingError`; the program would be damaged.
  static func load() throws(TrainingError) -> DataSet {
    try IDXFile.dataSet(
      images: try unsafe IDXFile(bytes(imwa_digit_images()), label: "images of digits"),
      labels: try unsafe IDXFile(bytes(imwa_digit_labels()), label: "labels of digits"),
      classCount: 10, largestPixel: 16, label: "digits")
  }

  private static func bytes(_ file: imwa_embedded_file) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
  }
}
