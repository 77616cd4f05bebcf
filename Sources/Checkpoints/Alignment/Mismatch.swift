public import TensorCore

/// A way in which inputs do not fit together.
public enum Mismatch: Sendable, Hashable {
  /// An input lacks a tensor that the first one has.
  case missing(tensor: String, from: Int)
  /// The first input lacks a tensor that another has.
  case extra(tensor: String, in: Int)
  /// The shape is not that of the first input that has the tensor.
  case shape(tensor: String, expected: Shape, as: Int, found: Shape, in: Int)
  /// The dtype is not that of the first input that has the tensor.
  case dtype(tensor: String, expected: DType, as: Int, found: DType, in: Int)
}

/// All ways in which inputs do not fit together.
public struct AlignmentError: DiagnosedError {
  /// How many mismatches of a kind are listed before the rest is only counted.
  private static let listedCount = 10

  /// The mismatches.
  public let mismatches: [Mismatch]
  /// What the inputs are called.
  public let labels: [String]
  /// What the inputs were aligned for.
  let purpose: AlignmentPolicy.Purpose
  /// How many tensors each input has.
  var tensorCounts: [Int] = []
  /// Whether all tensors fit if they are matched by their order.
  var fitsByPosition = false
  /// Always `badInput`.
  public var kind: FailureKind { .badInput }

  /// One line per mismatch; of thousands, the first of each kind and how many there are.
  public var description: String {
    let kinds: [(String, (Mismatch) -> Bool)] = [
      ("tensors are missing", { if case .missing = $0 { true } else { false } }),
      ("tensors are extra", { if case .extra = $0 { true } else { false } }),
      ("shapes differ", { if case .shape = $0 { true } else { false } }),
      ("dtypes differ", { if case .dtype = $0 { true } else { false } }),
    ]
    var lines = [
      "the inputs do not fit together: \(mismatches.count) mismatch"
        + (mismatches.count == 1 ? "" : "es")
    ]
    for (summary, isOfKind) in kinds {
      let found = mismatches.filter(isOfKind)
      lines += found.prefix(AlignmentError.listedCount).map { "  " + sentence($0) }
      if found.count > AlignmentError.listedCount {
        lines.append("  … and \(found.count - AlignmentError.listedCount) more: \(summary)")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The options that would let the inputs pass.
  public var hint: String? {
    var ways: [String] = []
    let names = NameMismatches(mismatches, tensorCounts)
    if let hint = names.renamingHint(labels) {
      ways.append(hint)
    } else if fitsByPosition {
      // Leaving out what has another name would spoil a model whose layers were only counted on.
      return "shapes and dtypes agree in the order of the model: --match position matches by it"
    } else if names.areMostlyForeign {
      // To leave out or keep what has another name would make a model of parts that never worked together.
      ways.append(
        "most names differ, so the models may be of two kinds: imwa-ckpt show lists names, "
          + "imwa-ckpt convert --rename changes them")
    } else if !names.isEmpty {
      ways.append(
        "--missing intersect leaves such tensors out"
          + (purpose == .merging ? ", --missing union averages those that are there" : ""))
    }
    let isFloating = mismatches.contains { mismatch in
      if case .dtype(_, let expected, _, let found, _) = mismatch {
        return expected.kind == .floating && found.kind == .floating
      }
      return false
    }
    if isFloating {
      ways.append("--out-dtype F32 (or another) averages tensors of different dtypes")
    }
    return ways.isEmpty ? nil : ways.joined(separator: "; ")
  }

  private func sentence(_ mismatch: Mismatch) -> String {
    switch mismatch {
    case .missing(let tensor, let input):
      "\(labels[input]): tensor '\(tensor)' is missing, \(labels[0]) has it"
    case .extra(let tensor, let input):
      "\(labels[input]): tensor '\(tensor)' is not in \(labels[0])"
    case .shape(let tensor, let expected, let reference, let found, let input):
      "\(labels[input]): tensor '\(tensor)': expected shape \(expected) as in \(labels[reference]), "
        + "found \(found)"
    case .dtype(let tensor, let expected, let reference, let found, let input):
      "\(labels[input]): tensor '\(tensor)': expected \(expected.rawValue) as in \(labels[reference]), "
        + "found \(found.rawValue)"
    }
  }
}

/// A request about tensors that cannot be fulfilled.
public struct SelectionError: DiagnosedError {
  /// Always `usage`.
  public var kind: FailureKind { .usage }
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  static func unmatched(_ pattern: Glob, option: String) -> SelectionError {
    SelectionError(
      description: "\(option) '\(pattern.pattern)' matches no tensor",
      hint: "'*' stands for any text, also across dots; quote the pattern for the shell")
  }

  static func noMean(ofVariance variance: String) -> SelectionError {
    SelectionError(
      description:
        "--batch-norm pooled: tensor '\(variance)' needs the running mean beside it, which an input lacks",
      hint: "--batch-norm average treats the statistics like weights")
  }

  static let nothingLeft = SelectionError(
    description: "no tensor is left", hint: nil)
}
