import JSONText
import TensorCore

/// A `config.json` of transformers that tells another dtype, with every other byte as it was.
///
/// Loaders that are asked for the dtype of the model believe it rather than the tensors. (transformers,
/// `PretrainedConfig.dtype`; `torch_dtype` before version 5.)
struct ConfiguredDType {
  /// The text with the new name in all places.
  let text: [UInt8]
  /// The names that were there, each once.
  let before: [String]
  /// The new name.
  let name: String

  private static let keys: Set<String> = ["dtype", "torch_dtype"]

  private static let names: [DType: String] = [
    .float64: "float64", .float32: "float32", .float16: "float16", .bfloat16: "bfloat16",
    .float8E4M3: "float8_e4m3fn", .float8E5M2: "float8_e5m2",
  ]

  /// Finds the names of dtypes in a configuration and in those of its parts.
  ///
  /// - Throws: `JSONError`.
  init(in bytes: [UInt8], replacedBy dtype: DType) throws(JSONError) {
    name = ConfiguredDType.names[dtype] ?? dtype.rawValue
    var scanner = try JSONScanner(bytes)
    var places: [(range: Range<Int>, name: String)] = []
    try ConfiguredDType.find(&scanner, &places, depth: 0)
    try scanner.expectEnd()
    var text = bytes
    for place in places.reversed() {
      text.replaceSubrange(place.range, with: JSONValue.quoted(name).utf8)
    }
    self.text = text
    before = Set(places.map(\.name)).sorted()
  }

  private static func find(
    _ scanner: inout JSONScanner, _ places: inout [(range: Range<Int>, name: String)], depth: Int
  ) throws(JSONError) {
    guard depth <= JSONScanner.maximumDepth else {
      throw scanner.error("nesting that is too deep")
    }
    guard scanner.accept("{") else { return try scanner.skipValue(depth: depth) }
    var isFirst = true
    while let key = try scanner.nextKey(&isFirst) {
      let start = scanner.position
      if keys.contains(key), scanner.next == UInt8(ascii: "\"") {
        var ahead = scanner
        let value = try ahead.string()
        if names.values.contains(value) {
          // What follows the closing quote is white space, which stays.
          places.append((start..<start + value.utf8.count + 2, value))
        }
      }
      // A quantisation has dtypes of its own.
      if key == "quantization_config" {
        try scanner.skipValue(depth: depth + 1)
      } else {
        try find(&scanner, &places, depth: depth + 1)
      }
    }
  }
}
