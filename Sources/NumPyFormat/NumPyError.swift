public import TensorCore

/// An array of NumPy that cannot be used.
public struct NumPyError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    /// Numbers do not add up, or the header is not one.
    case damaged
    /// Something that is not supported.
    case unsupported
  }

  /// The reason.
  public let code: Code
  /// The sentence, without the file and the array.
  public let description: String
  /// The way out.
  public let hint: String?
  /// What kind of failure this is: always `badInput`.
  public var kind: FailureKind { .badInput }

  init(_ code: Code, _ description: String, hint: String? = nil) {
    self.code = code
    self.description = description
    self.hint = hint
  }

  static func damaged(_ reason: String) -> NumPyError {
    NumPyError(.damaged, "damaged array of NumPy: \(reason)")
  }
}

extension NumPyError {
  /// The same error of a named array.
  package func of(_ name: String) -> NumPyError {
    NumPyError(code, "array '\(name)': \(description)", hint: hint)
  }

  /// There are more or fewer bytes than the shape needs.
  package static func wrongSize(expected: Int, found: Int, _ shape: Shape) -> NumPyError {
    .damaged("expected \(expected) bytes of elements for shape \(shape), found \(found)")
  }

  /// The elements of a single array are no numbers.
  package static func notNumbers(_ header: ArrayHeader) -> NumPyError {
    switch header.elements {
    case .objects:
      NumPyError(
        .unsupported, "its elements are Python objects, which would have to be run to be read",
        hint: "save numbers: numpy.savez of arrays with a numeric dtype")
    case .unreadNumbers(let text):
      NumPyError(
        .unsupported, "its elements are \(text), which no dtype has",
        hint: "save them as numbers that have one: a.astype('f4')")
    case .numbers, .other:
      NumPyError(.unsupported, "its elements are no numbers, but \(header.elementsText)")
    }
  }

  /// NumPy has no such dtype.
  package static func unwritable(_ info: TensorInfo) -> NumPyError {
    NumPyError(
      .unsupported,
      "tensor '\(info.name)' of \(info.dtype.rawValue) cannot be written: NumPy has no such dtype",
      hint: "--out-dtype writes averaged tensors as another one")
  }
}

extension ArrayHeader {
  /// What the elements are, for people.
  package var elementsText: String {
    switch elements {
    case .numbers(let encoding): encoding.dtype.rawValue
    case .objects: "Python objects"
    case .unreadNumbers(let text), .other(let text): text
    }
  }
}
