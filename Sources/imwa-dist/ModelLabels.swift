/// Short names that tell models apart: paths without what all have in common at either end.
enum ModelLabels {
  /// `runs/a/model.safetensors` and `runs/b/model.safetensors` are `a` and `b`.
  static func distinguishing(_ paths: [String]) -> [String] {
    let components = paths.map { $0.split(separator: "/").map(String.init) }
    guard paths.count > 1, let shortest = components.map(\.count).min() else { return paths }
    let isCommon = { (component: ([String]) -> String) in
      components.allSatisfy { component($0) == component(components[0]) }
    }
    var front = 0
    while front < shortest - 1, isCommon({ $0[front] }) { front += 1 }
    var back = 0
    while back < shortest - 1 - front, isCommon({ $0[$0.count - 1 - back] }) { back += 1 }
    let labels = components.map { $0.dropFirst(front).dropLast(back).joined(separator: "/") }
    return withoutCommonSuffix(labels)
  }

  /// `a.safetensors` and `b.safetensors` are `a` and `b`.
  private static func withoutCommonSuffix(_ labels: [String]) -> [String] {
    guard let point = labels[0].firstIndex(of: "."), point != labels[0].startIndex else {
      return labels
    }
    let suffix = String(labels[0][point...])
    guard labels.allSatisfy({ $0.hasSuffix(suffix) && $0.count > suffix.count }) else {
      return labels
    }
    return labels.map { String($0.dropLast(suffix.count)) }
  }
}
