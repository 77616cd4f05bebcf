import JSONText
import TensorCore

extension UnreadableTensor {
  /// The name and the reason, for other programs.
  var json: JSONValue {
    .object([.init("name", .string(name)), .init("reason", .string(reason))])
  }
}
