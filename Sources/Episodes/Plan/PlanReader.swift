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
      throw PlanError(path: path, problems: [YAMLProblem(error.place, error.reason)])
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
      value = try YAMLNode(parsing: Array(setting.value.utf8)).moved(to: .commandLine)
    } catch {
      throw YAMLError(place: .commandLine, reason: "\(setting.text): \(error.reason)")
    }
    set(setting.key.split(separator: ".", omittingEmptySubsequences: false)[...], to: value)
  }

  private mutating func set(_ keys: ArraySlice<Substring>, to value: YAMLNode) {
    guard let key = keys.first else {
      self = value
      return
    }
    var entries = entries ?? []
    let index =
      entries.firstIndex { $0.key == key }
      ?? {
        entries.append(
          Entry(
            key: String(key), place: .commandLine,
            value: YAMLNode(.mapping([]), at: .commandLine)))
        return entries.count - 1
      }()
    entries[index].value.set(keys.dropFirst(), to: value)
    content = .mapping(entries)
  }
}

/// Makes a plan of YAML and collects what is wrong.
struct PlanReader {
  let folder: FilePath
  var problems: [YAMLProblem] = []

  mutating func plan(_ root: YAMLNode) -> Plan {
    var plan = Plan()
    var fields = YAMLFields(root, called: "")
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
    plan.backoff = fields.seconds("backoff", allowsZero: true) ?? plan.backoff
    plan.attempts = fields.integer("attempts", in: 1...1000) ?? plan.attempts
    plan.warmStart = fields.integer("warm_start", in: 0...Int.max) ?? 0
    plan.requireChange = fields.boolean("require_change") ?? true
    plan.requireDifference = fields.boolean("require_difference") ?? true
    plan.tensorboard = fields.boolean("tensorboard") ?? false
    plan.state = fields.choice("state", Plan.StatePolicy.self) ?? .carry
    readIterations(plan, root, &fields)
    readMemberSettings(&plan, &fields)
    readInitial(&plan, root, &fields)
    readTrain(&plan, root, &fields)
    readAverage(&plan, &fields)
    readMovingAverage(&plan, &fields)
    readEvaluation(&plan, &fields)
    readExecutor(&plan, &fields)
    readEnvironment(&plan, &fields)
    readOutcome(&plan, root, &fields)
    readKeep(&plan, &fields)
    readSuffixes(&plan, root, &fields)
    fields.finish()
    problems += fields.problems
    return plan
  }

  func place(of key: String, in node: YAMLNode) -> YAMLNode.Place {
    node.entries?.first { $0.key == key }?.place ?? node.place
  }

  private mutating func readIterations(
    _ plan: Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    if root["iterations"]?.isNull ?? true {
      fields.problems.append(
        YAMLProblem(
          root.place,
          "'iterations' is missing: how many iterations each member trains over all episodes"))
    }
    let isEpisodeCountKnown = root["episodes"]?.integer == plan.episodes || root["episodes"] == nil
    if plan.iterations > 0, isEpisodeCountKnown, plan.episodes > plan.iterations {
      fields.problems.append(
        YAMLProblem(
          root["episodes"]?.place ?? root.place,
          "\(plan.episodes) episodes do not fit into \(plan.iterations) iterations: each needs at least "
            + "one"))
    }
  }

  private mutating func readMemberSettings(_ plan: inout Plan, _ fields: inout YAMLFields) {
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
        guard let value = entry.value.text, !entry.value.isNull else {
          fields.expect("member_settings.\(entry.key)", entry.value, "a text or a number")
          continue
        }
        settings.append(Plan.MemberSetting(name: entry.key, value: value))
      }
      if let names, Set(names) != Set(settings.map(\.name)) {
        fields.problems.append(
          YAMLProblem(
            element.place,
            "every member must have the same settings: \(names.joined(separator: ", "))")
        )
      }
      names = names ?? settings.map(\.name)
      plan.memberSettings.append(settings)
    }
  }

  private func check(settingName entry: YAMLNode.Entry, _ fields: inout YAMLFields) {
    let isName =
      entry.key.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
      }
      && entry.key.utf8.first.map { (0x61...0x7A).contains($0) } == true
    if !isName {
      fields.problems.append(
        YAMLProblem(
          entry.place,
          "'\(entry.key)' cannot be a placeholder: names have small letters, digits and underscores"
        ))
    }
    if Placeholders.all.contains(entry.key) {
      fields.problems.append(
        YAMLProblem(entry.place, "'\(entry.key)' is a placeholder already: choose another name"))
    }
  }

  private mutating func readInitial(
    _ plan: inout Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    guard let node = fields.node("init") else {
      fields.problems.append(
        YAMLProblem(
          root.place,
          "'init' is missing: the checkpoint to start from, or {command: […]} that makes one"))
      return
    }
    plan.initialPlace = node.place
    if let text = node.text {
      if text.isEmpty { fields.expect("init", node, "a path") }
      plan.initial = .file(folder.pushing(FilePath(text)))
      return
    }
    fields.section("init", node) { inner in
      inner.allowOne(of: "command", "builtin")
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
          YAMLProblem(node.place, "'init' must be a path, or have the key 'command' or 'builtin'"))
      }
    }
  }

  private mutating func readTrain(
    _ plan: inout Plan, _ root: YAMLNode, _ fields: inout YAMLFields
  ) {
    guard let node = fields.node("train") else {
      fields.problems.append(
        YAMLProblem(root.place, "'train' is missing: the command that trains a member, as a list"))
      return
    }
    let settings = plan.memberSettings.first?.map(\.name) ?? []
    if node.entries != nil {
      fields.section("train", node) { inner in
        if let options = inner.node("builtin") {
          plan.train = CommandTemplate(
            builtIn: options, called: "train.builtin", words: builtIn(&plan, "step"),
            names: Placeholders.train + settings, optional: Placeholders.trainOptional,
            problems: &inner.problems)
        } else {
          inner.problems.append(
            YAMLProblem(node.place, "'train' must be a list, or have the key 'builtin'"))
        }
      }
      return
    }
    plan.train = CommandTemplate(
      node, called: "train", names: Placeholders.train + settings,
      optional: Placeholders.trainOptional, problems: &fields.problems)
  }
}
