import ArgumentParser
package import TensorCore

/// A number of bytes: `5GB`, `500MB`, `1GiB`, `1000000`.
package struct ByteSize: ExpressibleByArgument, Sendable {
  /// The number of bytes.
  package let count: Int

  /// Reads a number and a unit; nil when there is no such size above zero.
  package init?(argument: String) {
    let text = argument.uppercased()
    let number = text.prefix { $0.isNumber || $0 == "." }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    let factors: [String: Double] = [
      "": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
      "KIB": 1024, "MIB": 1_048_576, "GIB": 1_073_741_824, "TIB": 1_099_511_627_776,
    ]
    guard let value = Double(number), let factor = factors[String(unit)],
      let count = Int(exactly: (value * factor).rounded(.down)), count > 0
    else { return nil }
    self.count = count
  }
}

/// A dtype that averages can be written in, by one of the names that people use.
package struct FloatingDType: ExpressibleByArgument, Sendable {
  /// The dtype.
  package let dtype: DType

  private static let names: [(String, DType)] = [
    ("F64", .float64), ("F32", .float32), ("F16", .float16), ("BF16", .bfloat16),
    ("F8_E4M3", .float8E4M3), ("F8_E5M2", .float8E5M2),
    ("FLOAT64", .float64), ("FLOAT32", .float32), ("FLOAT16", .float16), ("BFLOAT16", .bfloat16),
    ("FLOAT8_E4M3FN", .float8E4M3), ("FLOAT8_E5M2", .float8E5M2),
    ("FP64", .float64), ("FP32", .float32), ("FP16", .float16), ("HALF", .float16),
  ]

  /// Finds a name, in capitals or not.
  package init?(argument: String) {
    guard let found = FloatingDType.names.first(where: { $0.0 == argument.uppercased() }) else {
      return nil
    }
    dtype = found.1
  }

  /// The names of safetensors, for completions and messages.
  package static var allValueStrings: [String] { names.prefix(6).map(\.0) }
}

/// Numbers with commas between them: `0.7,0.3`.
package struct NumberList: ExpressibleByArgument, Sendable {
  /// The numbers.
  package let numbers: [Double]

  /// Lists numbers, as a default.
  package init(_ numbers: [Double]) { self.numbers = numbers }

  /// The text that is read as these numbers.
  package var defaultValueDescription: String {
    numbers.map { $0 == $0.rounded() ? String(Int($0)) : String($0) }.joined(separator: ",")
  }

  /// Reads the numbers; nil when one is none.
  package init?(argument: String) {
    var numbers: [Double] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let number = Double(String(part).trimmed) else { return nil }
      numbers.append(number)
    }
    self.numbers = numbers
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
