import FileIO
import JSONText
public import SystemPackage
public import TensorCore

/// How the names of tensors change.
public enum NameChange: Sendable {
  /// They stay as they are.
  case none
  /// Each substitution is applied to what the one before left.
  case substitutions([NameSubstitution])
  /// Some names become others.
  case map([ExactString: String], path: FilePath)

  /// The largest file of names that is read.
  private static let maximumFileSize = 256 << 20

  /// Reads names from a JSON object: old names and the new ones. The path may be that of a pipe.
  ///
  /// - Throws: `InspectionError`, `FileError`.
  public init(readingMap path: FilePath) throws {
    let bytes = try SmallFile.readToEnd(path, maximumSize: NameChange.maximumFileSize)
    let malformed = InspectionError(
      .badInput, "\(path): it is no JSON object of texts", hint: "write {\"old\": \"new\", …}")
    let root: JSONValue
    do {
      root = try JSONValue(parsing: bytes)
    } catch {
      throw InspectionError(.badInput, "\(path): it is not JSON: \(error)")
    }
    guard case .object(let members) = root else { throw malformed }
    var names: [ExactString: String] = [:]
    for member in members {
      guard let name = member.value.string else { throw malformed }
      names[ExactString(member.key)] = name
    }
    self = .map(names, path: path)
  }

  /// The new names of tensors, in their order.
  ///
  /// - Throws: `InspectionError` when a change touches no name, or two names become one.
  func names(of weights: WeightMap) throws -> [String] {
    let old = weights.tensors.map(\.info.name)
    let names: [String]
    switch self {
    case .none: return old
    case .substitutions(let substitutions): names = try NameChange.applied(substitutions, to: old)
    case .map(let map, let path):
      if let unknown = map.keys.sorted().first(where: { weights[$0.text] == nil }) {
        throw InspectionError(.usage, "\(path): there is no tensor '\(unknown.text)'")
      }
      names = old.map { map[ExactString($0)] ?? $0 }
    }
    var first: [ExactString: Int] = [:]
    for (position, name) in names.enumerated() {
      guard let other = first.updateValue(position, forKey: ExactString(name)) else { continue }
      throw InspectionError(
        .usage, "tensors '\(old[other])' and '\(old[position])' would both be named '\(name)'")
    }
    return names
  }

  private static func applied(_ substitutions: [NameSubstitution], to names: [String]) throws
    -> [String]
  {
    var names = names
    for substitution in substitutions {
      var isUsed = false
      for index in names.indices {
        let name = substitution.applied(to: names[index])
        if ExactString(name) != ExactString(names[index]) { isUsed = true }
        names[index] = name
      }
      guard isUsed else {
        throw InspectionError(
          .usage, "--rename '\(substitution.text)' changes no name",
          hint: "the syntax is that of sed -E: a dot matches any character, \\. a dot")
      }
    }
    return names
  }
}
