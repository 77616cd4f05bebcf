/// 1,797 images of handwritten digits, 8×8 pixels of 0…16, which are part of the program.
///
/// Source: the test set of "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
enum HandwrittenDigits {
  /// All images, in the order of the source.
  ///
  /// - Throws: `TrainingError`; the program would be damaged.
  static func load() throws(TrainingError) -> DataSet {
    try IDXFile.dataSet(
      images: try IDXFile(EmbeddedFiles.digitImages, label: "images of digits"),
      labels: try IDXFile(EmbeddedFiles.digitLabels, label: "labels of digits"),
      classCount: 10, largestPixel: 16, label: "digits")
  }
}
