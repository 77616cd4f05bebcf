import JSONText

/// The layers of a model of Keras, as its configuration describes them.
enum KerasLayers {
  /// What differs between two runs of one program, or matters in training only.
  private static let aboutMaking = [
    "name", "trainable", "seed", "rate", "*_initializer", "*_regularizer", "*_constraint",
    "compile_config", "build_config", "shared_object_id", "momentum", "registered_name", "module",
    "dtype", "keras_version", "date_saved", "gamma", "noise_shape", "autocast",
  ].map { Glob($0) }

  /// Where layers refer to each other by their names.
  private static let references: Set<String> = [
    "inbound_nodes", "input_layers", "output_layers",
  ]

  /// How much a difference at a path matters.
  static func effect(of path: [String]) -> PartDifference.Effect {
    path.contains { key in aboutMaking.contains { $0.matches(key) } } ? .none : .behaviour
  }

  /// The same description with numbers in place of names, on which Keras counts: `dense_1`, `dense_2`.
  static func comparable(_ value: JSONValue) -> JSONValue {
    var numbers: [String: Int] = [:]
    collectNames(value, &numbers)
    return numbered(value, numbers, isReference: false)
  }

  private static func collectNames(_ value: JSONValue, _ numbers: inout [String: Int]) {
    switch value {
    case .object(let members):
      if value["class_name"] != nil, let name = value["config"]?["name"]?.string,
        numbers[name] == nil
      {
        numbers[name] = numbers.count
      }
      for member in members { collectNames(member.value, &numbers) }
    case .array(let elements): for element in elements { collectNames(element, &numbers) }
    default: return
    }
  }

  private static func numbered(
    _ value: JSONValue, _ numbers: [String: Int], isReference: Bool
  ) -> JSONValue {
    switch value {
    case .object(let members):
      return .object(
        members.map { member in
          JSONValue.Member(
            member.key,
            numbered(
              member.value, numbers, isReference: isReference || references.contains(member.key)))
        })
    case .array(let elements):
      return .array(elements.map { numbered($0, numbers, isReference: isReference) })
    case .string(let text) where isReference:
      return numbers[text].map { .string("layer \($0)") } ?? value
    default: return value
    }
  }
}
