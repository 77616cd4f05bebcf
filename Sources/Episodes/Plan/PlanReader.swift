import Checkpoints
import FileIO
public import SystemPackage
import WeightAveraging
import YAMLText

extension Plan {
  /// A key of a plan with another value, from the command line.
  public struct Setting: Sendable, Hashable {
    /// The key; dots lead into mappings.
    public let key: String
    /// The value, as YAML.
    public let value: String

    /// Reads `key=value`; nil when there is no `=`.
    public init?(_ text: String) {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
      key = String(text[..<equals])
      value = String(text[text.index(after: equals)...])
    }

    /// `key=value`.
    public var text: String { "\(key)=\(value)" }
  }

  /// Reads a plan.
  ///
  /// - Parameters:
  ///   - bytes: its text.
  ///   - path: where it is, for messages.
  ///   - folder: the folder that relative paths start from.
  ///   - settings: keys with other values.
  /// - Throws: `PlanError` with all that is wrong.
  public init(
    parsing bytes: [UInt8], path: FilePath, folder: FilePath, settings: [Setting] = []
  ) throws(PlanError) {
    var reader = PlanReader(folder: folder)
    do {
      var root = try YAMLNode(parsing: bytes)
      for setting in settings { try root.set(setting) }
      self = reader.plan(root)
    } catch {
      throw PlanError(path: path, problems: [PlanProblem(error.place, error.reason)])
    }
    guard reader.problems.isEmpty else {
      let problems = reader.problems.sorted { left, right in
        let (first, second) = (left.place, right.place)
        return (first?.line ?? 0, first?.column ?? 0) < (second?.line ?? 0, second?.column ?? 0)
      }
      throw PlanError(path: path, problems: problems)
    }
  }
}

extension YAMLNode {
  /// Gives a key another value.
  fileprivate mutating func set(_ setting: Plan.Setting) throws(YAMLError) {
    let value: YAMLNode
    do {
      value = try YAMLNode(parsing: Array(setting.value.utf8))
    } catch {
      throw YAMLError(place: place, reason: "--set \(setting.text): \(error.reason)")
    }
    set(setting.key.split(separator: ".", omittingEmptySubsequences: false)[...], to: value)
  }

  private mutating func set(_ keys: ArraySlice<Substring>, to value: YAMLNode) {
    guard let key = keys.first else {
      content = value.content
      return
    }
    var entries = entries ?? []
    let index =
      entries.firstIndex { $0.key == key }
      ?? {
        entries.append(
          Entry(key: String(key), place: place, value: YAMLNode(.mapping([]), at: place)))
        return entries.count - 1
      }()
    entries[index].value.set(keys.dropFirst(), to: value)
    content = .mapping(entries)
  }
}

/// Makes a plan of YAML and collects what is wrong.
private struct PlanReader {
  let folder: FilePath
  var problems: [PlanProblem] = []

  mutating func plan(_ root: YAMLNode) -> Plan {
    var plan = Plan()
    var fields = PlanFields(root, called: "")
    if root.entries == nil {
      problems = fields.problems
      return plan
    }
    plan.episodes = fields.integer("episodes", in: 1...1_000_000) ?? plan.episodes
    plan.members = fields.integer("members", in: 1...1000) ?? plan.members
    plan.iterations = fields.integer("iterations", in: 1...Int.max) ?? 0
    plan.seed = fields.integer("seed", in: 0...Int.max) ?? plan.seed
    plan.timeout = fields.seconds("timeout")
    plan.heartbeat = fields.seconds("heartbeat")
    plan.grace = fields.seconds("grace") ?? plan.grace
    plan.attempts = fields.integer("attempts", in: 1...1000) ?? plan.attempts
    plan.warmStart = fields.integer("warm_start", in: 0...Int.max) ?? 0
    plan.requireChange = fields.boolean("require_change")
    plan.tensorboard = fields.boolean("tensorboard") ?? false
    plan.state = fields.choice("state", Plan.StatePolicy.self) ?? .carry
    readIterations(plan, root, &fields)
    readMemberSettings(&plan, &fields)
    readInitial(&plan, &fields)
    readTrain(&plan, &fields)
    readAverage(&plan, &fields)
    readMovingAverage(&plan, &fields)
    readEvaluation(&plan, &fields)
    readExecutor(&plan, &fields)
    readKeep(&plan, &fields)
    readSuffixes(&plan, root, &fields)
    fields.finish()
    problems += fields.problems
    return plan
  }

  private func place(of key: String, in node: YAMLNode) -> YAMLNode.Place {
    node.entries?.first { $0.key == key }?.place ?? node.place
  }

  private mutating func readIterations(
    _ plan: Plan, _ root: YAMLNode, _ fields: inout PlanFields
  ) {
    if root.entries != nil, root["iterations"] == nil {
      fields.problems.append(
        PlanProblem(
          root.place,
          "'iterations' is missing: how many iterations each member trains over all episodes"))
    }
    if plan.iterations > 0, plan.episodes > plan.iterations {
      fields.problems.append(
        PlanProblem(
          root["episodes"]?.place ?? root.place,
          "\(plan.episodes) episodes do not fit into \(plan.iterations) iterations: each needs at least "
            + "one"))
    }
  }

  private mutating func readMemberSettings(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("member_settings") else { return }
    guard let elements = node.elements, elements.count == plan.members else {
      fields.expect(
        "member_settings", node, "a list with one mapping for each of the \(plan.members) members")
      return
    }
    var names: [String]?
    for element in elements {
      guard let entries = element.entries else {
        fields.expect(
          "member_settings", element, "a list of mappings, such as [{lr: 0.1}, {lr: 0.2}]")
        continue
      }
      var settings: [Plan.MemberSetting] = []
      for entry in entries {
        check(settingName: entry, &fields)
        guard let value = entry.value.text else {
          fields.expect("member_settings.\(entry.key)", entry.value, "a text or a number")
          continue
        }
        settings.append(Plan.MemberSetting(name: entry.key, value: value))
      }
      if let names, Set(names) != Set(settings.map(\.name)) {
        fields.problems.append(
          PlanProblem(
            element.place,
            "every member must have the same settings: \(names.joined(separator: ", "))")
        )
      }
      names = names ?? settings.map(\.name)
      plan.memberSettings.append(settings)
    }
  }

  private func check(settingName entry: YAMLNode.Entry, _ fields: inout PlanFields) {
    let isName =
      entry.key.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
      }
      && entry.key.utf8.first.map { (0x61...0x7A).contains($0) } == true
    if !isName {
      fields.problems.append(
        PlanProblem(
          entry.place,
          "'\(entry.key)' cannot be a placeholder: names have small letters, digits and underscores"
        ))
    }
    if Placeholders.all.contains(entry.key) {
      fields.problems.append(
        PlanProblem(entry.place, "'\(entry.key)' is a placeholder already: choose another name"))
    }
  }

  private mutating func readInitial(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("init") else {
      fields.problems.append(
        PlanProblem(
          nil, "'init' is missing: the checkpoint to start from, or {command: […]} that makes one"))
      return
    }
    if let text = node.text {
      plan.initial = .file(folder.pushing(FilePath(text)))
      return
    }
    var inner = PlanFields(node, called: "init")
    if let options = inner.node("builtin") {
      plan.initial = .command(
        CommandTemplate(
          builtIn: options, called: "init.builtin", words: builtIn(&plan, "init"),
          names: Placeholders.initial, optional: [], problems: &inner.problems))
    } else if let command = inner.node("command") {
      plan.initial = .command(
        CommandTemplate(
          command, called: "init.command", names: Placeholders.initial, optional: [],
          problems: &inner.problems))
    } else if node.entries != nil {
      inner.problems.append(
        PlanProblem(node.place, "'init' must be a path, or have the key 'command' or 'builtin'"))
    }
    inner.finish()
    fields.problems += inner.problems
  }

  private mutating func readTrain(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("train") else {
      fields.problems.append(
        PlanProblem(nil, "'train' is missing: the command that trains a member, as a list"))
      return
    }
    let settings = plan.memberSettings.first?.map(\.name) ?? []
    if node.entries != nil {
      var inner = PlanFields(node, called: "train")
      if let options = inner.node("builtin") {
        plan.train = CommandTemplate(
          builtIn: options, called: "train.builtin", words: builtIn(&plan, "step"),
          names: Placeholders.train + settings, optional: Placeholders.trainOptional,
          problems: &inner.problems)
      } else {
        inner.problems.append(
          PlanProblem(node.place, "'train' must be a list, or have the key 'builtin'"))
      }
      inner.finish()
      fields.problems += inner.problems
      return
    }
    plan.train = CommandTemplate(
      node, called: "train", names: Placeholders.train + settings,
      optional: Placeholders.trainOptional, problems: &fields.problems)
  }

  /// The first words of a command of the built-in trainer, which stands beside this tool.
  private func builtIn(_ plan: inout Plan, _ command: String) -> [String] {
    let beside = CurrentProcess.program?.removingLastComponent().appending("imwa-train")
    let isBeside = beside.map { FileStatus(of: $0)?.kind == .file } ?? false
    let program = isBeside ? beside?.string ?? "" : "imwa-train"
    plan.builtInTrainer = program
    // Braces of a path are no placeholders.
    let escaped = program.replacing("{", with: "{{").replacing("}", with: "}}")
    return [escaped, command]
  }

  private mutating func readAverage(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("average") else { return }
    var inner = PlanFields(node, called: "average")
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
          inner.problems.append(PlanProblem(weights.place, error.description))
        }
      }
    }
    plan.average.batchNorm =
      inner.choice("batch_norm", AlignmentPolicy.BatchNorm.self) ?? .average
    if let command = inner.node("recalibrate") {
      plan.average.recalibrate = CommandTemplate(
        command, called: "average.recalibrate", names: Placeholders.recalibrate, optional: [],
        problems: &inner.problems)
    }
    inner.finish()
    fields.problems += inner.problems
  }

  private mutating func readMovingAverage(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("ema") else { return }
    switch node.text {
    // A word that YAML 1.1 takes for false.
    case "off", "false", "no": plan.ema = .off
    case "trainer": plan.ema = .trainer
    case .some:
      fields.expect("ema", node, "off, trainer, or {checkpoints: 0.9}")
    case nil:
      var inner = PlanFields(node, called: "ema")
      if let decay = inner.node("checkpoints") {
        if let number = decay.number, number >= 0, number < 1 {
          plan.ema = .checkpoints(decay: number)
        } else {
          inner.expect("checkpoints", decay, "a decay from 0 to below 1")
        }
      } else if node.entries?.isEmpty == true {
        inner.problems.append(PlanProblem(node.place, "'ema' must have the key 'checkpoints'"))
      }
      inner.finish()
      fields.problems += inner.problems
    }
  }

  private mutating func readEvaluation(_ plan: inout Plan, _ fields: inout PlanFields) {
    guard let node = fields.node("evaluate") else { return }
    var inner = PlanFields(node, called: "evaluate")
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
    if let on = inner.node("on") { evaluation.on = subjects(on, plan, &inner) }
    if node.entries != nil {
      for (key, isMissing) in [("command", command == nil), ("metric", metric == nil)]
      where isMissing && node[key] == nil {
        inner.problems.append(PlanProblem(node.place, "'evaluate.\(key)' is missing"))
      }
    }
    inner.finish()
    fields.problems += inner.problems
    plan.evaluate = evaluation
  }

  private func subjects(_ node: YAMLNode, _ plan: Plan, _ fields: inout PlanFields)
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
          PlanProblem(node.place, "there is no moving average to evaluate: 'ema' is off"))
      }
      result.insert(subject)
    }
    return result
  }

  private mutating func readExecutor(_ plan: inout Plan, _ fields: inout PlanFields) {
    plan.parallel = plan.members
    guard let node = fields.node("executor") else { return }
    var inner = PlanFields(node, called: "executor")
    if let devices = inner.node("devices") {
      let names = devices.elements?.compactMap(\.text) ?? []
      if names.isEmpty || names.count != devices.elements?.count || Set(names).count != names.count
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
          PlanProblem(
            mode.place,
            "\(plan.parallel) members at once need as many devices, but there are "
              + "\(plan.devices.count)"))
      }
    }
    inner.finish()
    fields.problems += inner.problems
  }

  private mutating func readKeep(_ plan: inout Plan, _ fields: inout PlanFields) {
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
    var inner = PlanFields(node, called: "keep")
    plan.keepAverages = keep("averages", &inner) ?? plan.keepAverages
    plan.keepMembers = keep("members", &inner) ?? plan.keepMembers
    inner.finish()
    fields.problems += inner.problems
  }

  private func keep(_ key: String, _ fields: inout PlanFields) -> Plan.Keep? {
    guard let node = fields.node(key) else { return nil }
    switch node.text {
    case "all": return .all
    case "last": return .last(1)
    default: break
    }
    var inner = PlanFields(node, called: fields.full(key))
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

  private mutating func readSuffixes(
    _ plan: inout Plan, _ root: YAMLNode, _ fields: inout PlanFields
  ) {
    let given = fields.text("suffix")
    plan.stateSuffix = fields.text("state_suffix") ?? ""
    for (key, text) in [("suffix", given ?? ""), ("state_suffix", plan.stateSuffix)]
    where text.contains("/") || text.utf8.contains(0) {
      fields.problems.append(PlanProblem(root[key]?.place, "'\(key)' cannot hold a slash"))
    }
    switch plan.initial {
    case .file(let path):
      plan.suffix = given ?? CheckpointName.suffix(of: path)
    case .command:
      plan.suffix = given ?? ""
      if given == nil, root["init"]?["command"] != nil {
        fields.problems.append(
          PlanProblem(
            place(of: "init", in: root),
            "'suffix' is missing: what the names of checkpoints end in, such as .safetensors"))
      }
    }
    if plan.state == .average, plan.stateSuffix.isEmpty { plan.stateSuffix = plan.suffix }
  }
}
