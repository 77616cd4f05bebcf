import YAMLText

/// What becomes of a run: which weights are its result, when it ends early, who is told; and what its commands
/// find in their environment.
extension PlanReader {
  mutating func readOutcome(_ plan: inout Plan, _ root: YAMLNode, _ fields: inout YAMLFields) {
    plan.select = fields.choice("select", Plan.Selection.self) ?? .last
    if plan.select == .best { requireMetric("select: best", "select", plan, root, &fields) }
    readStop(&plan, root, &fields)
    if let command = fields.node("notify") {
      plan.notify = CommandTemplate(
        command, called: "notify", names: Placeholders.notify, optional: [],
        problems: &fields.problems)
    }
  }

  private func requireMetric(
    _ what: String, _ key: String, _ plan: Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    let problem: String
    if let evaluation = plan.evaluate {
      // Members are measured, but no result is made of one.
      if !evaluation.on.isDisjoint(with: [.averages, .ema]) { return }
      problem = "'\(what)' needs a metric of averages or ema, but 'evaluate.on' has members only"
    } else {
      problem = "'\(what)' needs a metric: 'evaluate' is missing"
    }
    fields.problems.append(YAMLProblem(place(of: key, in: root), problem))
  }

  private mutating func readStop(
    _ plan: inout Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    guard let node = fields.node("stop") else { return }
    fields.section("stop", node) { inner in
      let after = inner.integer("after", in: 1...1_000_000)
      let metric = inner.text("of")
      let mode = inner.choice("mode", Plan.Evaluation.Mode.self)
      if node.entries != nil, node["after"] == nil {
        inner.problems.append(YAMLProblem(node.place, "'stop.after' is missing"))
      }
      plan.stop = Plan.Stop(after: after ?? 1, metric: metric, mode: mode)
    }
    requireMetric("stop", "stop", plan, root, &fields)
  }

  mutating func readEnvironment(_ plan: inout Plan, _ fields: inout YAMLFields) {
    guard let node = fields.node("environment") else { return }
    guard let entries = node.entries else {
      return fields.expect(
        "environment", node, "a mapping, such as {CUDA_VISIBLE_DEVICES: \"{slot}\"}")
    }
    for entry in entries {
      if entry.key.isEmpty || entry.key.contains("=") || entry.key.hasPrefix("IMWA_") {
        fields.problems.append(
          YAMLProblem(
            entry.place,
            "'\(entry.key)' cannot be a variable here: names have no '=', and those that begin with IMWA_ are "
              + "the run's own"))
      }
      guard !entry.value.isNull, entry.value.text != nil else {
        fields.expect("environment.\(entry.key)", entry.value, "a text or a number")
        continue
      }
      let value = CommandTemplate(
        YAMLNode(.sequence([entry.value]), at: entry.value.place),
        called: "environment.\(entry.key)", names: Placeholders.common, optional: [],
        problems: &fields.problems)
      plan.environment.append(Plan.Variable(name: entry.key, value: value))
    }
  }
}
