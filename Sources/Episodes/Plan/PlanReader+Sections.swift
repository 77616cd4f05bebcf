import Checkpoints
import FileIO
import SystemPackage
import WeightAveraging
import YAMLText

/// How members become one, what is measured, where they train, and what stays on the disk.
extension PlanReader {
  /// The first words of a command of the built-in trainer, which stands beside this tool.
  func builtIn(_ plan: inout Plan, _ command: String) -> [String] {
    let beside = CurrentProcess.program?.removingLastComponent().appending("imwa-train")
    let isBeside = beside.map { FileStatus(of: $0)?.kind == .file } ?? false
    let program = isBeside ? beside?.string ?? "" : "imwa-train"
    plan.builtInTrainer = program
    // Braces of a path are no placeholders.
    let escaped = program.replacing("{", with: "{{").replacing("}", with: "}}")
    return [escaped, command]
  }

  mutating func readAverage(_ plan: inout Plan, _ fields: inout YAMLFields) {
    guard let node = fields.node("average") else { return }
    fields.section("average", node) { inner in
      if let method = inner.node("method") {
        let names = [LinearAverage.name]
        plan.average.method = method.text ?? ""
        if !names.contains(plan.average.method) {
          inner.expect("method", method, names.joined(separator: " or "))
        }
      }
      if let weights = inner.node("weights") {
        let numbers = weights.elements?.compactMap(\.number) ?? []
        if numbers.count != plan.members || weights.elements?.count != numbers.count {
          inner.expect("weights", weights, "a list of \(plan.members) numbers, one for each member")
        } else {
          plan.average.weights = numbers
          do {
            _ = try LinearAverage(weights: numbers, inputCount: plan.members)
          } catch {
            inner.problems.append(YAMLProblem(weights.place, "\(error)"))
          }
        }
      }
      plan.average.batchNorm =
        inner.choice("batch_norm", AlignmentPolicy.BatchNorm.self) ?? .average
      plan.average.integers = inner.choice("integers", AlignmentPolicy.Integers.self)
      if let command = inner.node("recalibrate") {
        plan.average.recalibrate = CommandTemplate(
          command, called: "average.recalibrate", names: Placeholders.recalibrate, optional: [],
          problems: &inner.problems)
      }
    }
  }

  mutating func readMovingAverage(_ plan: inout Plan, _ fields: inout YAMLFields) {
    guard let node = fields.node("ema") else { return }
    switch node.text {
    // A word that YAML 1.1 takes for false.
    case "off", "false", "no": plan.ema = .off
    case "trainer": plan.ema = .trainer
    case .some:
      fields.expect("ema", node, "off, trainer, or {checkpoints: 0.9}")
    case nil:
      fields.section("ema", node) { inner in
        if let decay = inner.node("checkpoints") {
          if let number = decay.number, number >= 0, number < 1 {
            plan.ema = .checkpoints(decay: number)
          } else {
            inner.expect("checkpoints", decay, "a decay from 0 to below 1")
          }
        } else if node.entries?.isEmpty == true {
          inner.problems.append(YAMLProblem(node.place, "'ema' must have the key 'checkpoints'"))
        }
      }
    }
  }

  mutating func readEvaluation(_ plan: inout Plan, _ fields: inout YAMLFields) {
    guard let node = fields.node("evaluate") else { return }
    fields.section("evaluate", node) { inner in
      inner.allowOne(of: "command", "builtin")
      let options = inner.node("builtin").map { options in
        CommandTemplate(
          builtIn: options, called: "evaluate.builtin",
          words: builtIn(&plan, "evaluate") + ["{init}"], names: Placeholders.evaluate,
          optional: Placeholders.evaluateOptional, problems: &inner.problems)
      }
      let written = inner.node("command").map { command in
        CommandTemplate(
          command, called: "evaluate.command", names: Placeholders.evaluate,
          optional: Placeholders.evaluateOptional, problems: &inner.problems)
      }
      let command = options ?? written
      let metric = inner.text("metric")
      var evaluation = Plan.Evaluation(
        command: command ?? CommandTemplate(words: [], at: node.place), metric: metric ?? "")
      evaluation.mode = inner.choice("mode", Plan.Evaluation.Mode.self) ?? .max
      evaluation.every = inner.integer("every", in: 1...1_000_000) ?? 1
      evaluation.failure = inner.choice("failure", Plan.Evaluation.Failure.self) ?? .stop
      evaluation.timeout = inner.seconds("timeout")
      if let on = inner.node("on") { evaluation.on = subjects(on, plan, &inner) }
      checkFiles(of: evaluation, node, &inner)
      if node.entries != nil {
        for (key, isMissing) in [("command", command == nil), ("metric", metric == nil)]
        where isMissing && node[key] == nil {
          inner.problems.append(YAMLProblem(node.place, "'evaluate.\(key)' is missing"))
        }
      }
      plan.evaluate = evaluation
    }
  }

  /// A command measures one file, or all of them.
  private func checkFiles(
    of evaluation: Plan.Evaluation, _ node: YAMLNode, _ fields: inout YAMLFields
  ) {
    guard evaluation.measuresTogether else { return }
    let others = evaluation.command.placeholders.intersection(["init", "member"]).sorted()
    if let other = others.first {
      fields.problems.append(
        YAMLProblem(
          evaluation.command.place ?? node.place,
          "'{\(Placeholders.files)}' is all files at once, which have no '{\(other)}': use one of them"
        ))
    }
  }

  private func subjects(_ node: YAMLNode, _ plan: Plan, _ fields: inout YAMLFields)
    -> Set<Plan.Evaluation.Subject>
  {
    let nodes = node.elements ?? [node]
    let words = Plan.Evaluation.Subject.allCases.map(\.rawValue)
    var result: Set<Plan.Evaluation.Subject> = []
    for node in nodes {
      guard let subject = node.text.flatMap(Plan.Evaluation.Subject.init(rawValue:)) else {
        fields.expect("on", node, "a list of " + words.joined(separator: ", "))
        continue
      }
      if subject == .ema && plan.ema == .off {
        fields.problems.append(
          YAMLProblem(node.place, "there is no moving average to evaluate: 'ema' is off"))
      }
      result.insert(subject)
    }
    return result
  }

  mutating func readExecutor(_ plan: inout Plan, _ fields: inout YAMLFields) {
    plan.parallel = plan.members
    guard let node = fields.node("executor") else { return }
    fields.section("executor", node) { inner in
      if let devices = inner.node("devices") {
        let names = devices.elements?.compactMap(\.text) ?? []
        if names.isEmpty || names.count != devices.elements?.count
          || Set(names).count != names.count
        {
          inner.expect("devices", devices, "a list of different devices, such as [0, 1]")
        }
        plan.devices = names
        plan.parallel = min(plan.members, max(1, names.count))
      }
      if let mode = inner.node(LocalExecutor.name) {
        if mode.text == "serial" {
          plan.parallel = 1
        } else if let count = mode.integer, (1...1000).contains(count) {
          plan.parallel = min(count, plan.members)
        } else if mode.text != "parallel" {
          inner.expect(
            LocalExecutor.name, mode, "parallel, serial, or how many members train at once")
        }
        if !plan.devices.isEmpty, plan.parallel > plan.devices.count {
          inner.problems.append(
            YAMLProblem(
              mode.place,
              "\(plan.parallel) members at once need as many devices, but there are "
                + "\(plan.devices.count)"))
        }
      }
    }
  }

  mutating func readKeep(_ plan: inout Plan, _ fields: inout YAMLFields) {
    guard let node = fields.node("keep") else { return }
    if node.text == "all" {
      (plan.keepAverages, plan.keepMembers) = (.all, .all)
      return
    }
    if node.text == "last" {
      (plan.keepAverages, plan.keepMembers) = (.last(1), .last(1))
      return
    }
    guard node.entries != nil else {
      return fields.expect("keep", node, "all, last, or {averages: …, members: …}")
    }
    fields.section("keep", node) { inner in
      plan.keepAverages = keep("averages", &inner) ?? plan.keepAverages
      plan.keepMembers = keep("members", &inner) ?? plan.keepMembers
    }
  }

  private func keep(_ key: String, _ fields: inout YAMLFields) -> Plan.Keep? {
    guard let node = fields.node(key) else { return nil }
    switch node.text {
    case "all": return .all
    case "last": return .last(1)
    default: break
    }
    var inner = YAMLFields(node, called: fields.full(key))
    let last = inner.integer("last", in: 1...1_000_000)
    let every = inner.integer("every", in: 1...1_000_000)
    inner.finish()
    guard node.entries != nil, (last == nil) != (every == nil) || !inner.problems.isEmpty else {
      fields.expect(key, node, "all, last, {last: 5} or {every: 10}")
      return nil
    }
    fields.problems += inner.problems
    return last.map { .last($0) } ?? every.map { .every($0) }
  }

  mutating func readSuffixes(
    _ plan: inout Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    let given = fields.text("suffix")
    plan.suffixPlace = root["suffix"]?.place
    plan.stateSuffix = fields.text("state_suffix") ?? ""
    for (key, text) in [("suffix", given ?? ""), ("state_suffix", plan.stateSuffix)]
    where text.contains("/") || text.utf8.contains(0) {
      fields.problems.append(YAMLProblem(root[key]?.place, "'\(key)' cannot hold a slash"))
    }
    switch plan.initial {
    case .file(let path):
      plan.suffix = given ?? CheckpointName.suffix(of: path)
    case .command:
      plan.suffix = given ?? ""
      if given == nil, root["init"]?["command"] != nil {
        fields.problems.append(
          YAMLProblem(
            place(of: "init", in: root),
            "'suffix' is missing: what the names of checkpoints end in, such as .safetensors"))
      }
    }
    if plan.state == .average, plan.stateSuffix.isEmpty { plan.stateSuffix = plan.suffix }
  }
}
