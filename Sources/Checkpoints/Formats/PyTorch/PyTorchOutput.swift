import Compression
import PyTorchFormat
import TensorCore
import ZipArchive

/// Plans a PyTorch file: the first input with other values, or a new one.
struct PyTorchOutput {
  private let weights: WeightMap
  private let structure: PyTorchStructure?
  private let unties: Bool
  /// For each tensor the first that it shares a storage with, which may be itself.
  private let groups: [Int]

  private static let newRoot = "archive"

  /// Plans a file.
  ///
  /// - Parameters:
  ///   - structure: the file whose contents are kept; nil for a new one.
  ///   - unties: whether every tensor gets a storage of its own.
  init(_ weights: WeightMap, like structure: PyTorchStructure?, unties: Bool = false) {
    self.weights = weights
    self.structure = structure
    self.unties = unties
    groups = unties ? Array(weights.tensors.indices) : TiedTensors(weights).groups
  }

  /// Places the tensors and all that is around them.
  ///
  /// - Throws: `PyTorchError` for what cannot be written, `ZipError`.
  func layout(named name: String? = nil) throws -> OutputLayout {
    var plan = ArchivePlan(alignment: 64)
    if let structure, let places = placesInFirstInput(structure),
      case .zip(let archive, let root) = structure.contents.container
    {
      try keepMembers(of: archive, root, structure, places, in: &plan)
      var layout = try plan.layout(weights, named: name)
      if !unties { layout.notices = untied() }
      return layout
    }
    try writeAnew(&plan)
    var layout = try plan.layout(weights, named: name)
    layout.notices = structure?.dictionary.writingNotices ?? []
    if !unties { layout.notices += untied() + separatedViews() }
    return layout
  }

  // MARK: - In place

  /// Where each tensor goes in the storages of the first input; nil when its pickle would not be true.
  private func placesInFirstInput(_ structure: PyTorchStructure) -> [[Place]]? {
    let entries = structure.dictionary.entries
    guard case .zip = structure.contents.container, structure.contents.isPlain,
      entries.count == weights.count,
      structure.dictionary.unreadable.count == weights.unreadable.count
    else { return nil }
    var places: [[Place]] = Array(repeating: [], count: structure.contents.storages.count)
    for (expected, entry) in entries.enumerated() {
      let isExpected = weights.tensors[expected].info.name == entry.name
      guard let position = isExpected ? expected : weights.position(of: entry.name) else {
        return nil
      }
      let info = weights.tensors[position].info
      guard info.dtype == entry.view.dtype, info.shape == entry.view.shape,
        entry.view.isContiguous
      else { return nil }
      places[entry.view.storage].append(
        Place(tensor: position, offset: entry.view.byteOffset, byteCount: info.byteCount))
    }
    for number in places.indices where places[number].count > 1 {
      guard !unties, let separate = withoutTies(places[number]) else { return nil }
      places[number] = separate
    }
    return places
  }

  /// A tensor's place in a storage.
  struct Place {
    let tensor: Int
    let offset: Int
    let byteCount: Int
  }

  /// Places without those that are written anyway; nil when tensors overlap that are not the same.
  private func withoutTies(_ places: [Place]) -> [Place]? {
    var separate: [Place] = []
    for place in places.sorted(by: { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }) {
      guard place.byteCount > 0 else { continue }
      if let last = separate.last, place.offset < last.offset + last.byteCount {
        guard place.offset == last.offset, place.byteCount == last.byteCount,
          groups[place.tensor] == groups[last.tensor]
        else { return nil }
      } else {
        separate.append(place)
      }
    }
    return separate
  }

  /// Takes over all members: the storages of tensors with new values in them.
  private func keepMembers(
    of archive: ZipFile, _ root: String, _ structure: PyTorchStructure,
    _ places: [[Place]], in plan: inout ArchivePlan
  ) throws {
    let storages = structure.contents.storages
    let numbers = Dictionary(
      storages.enumerated().filter { !places[$0.offset].isEmpty }.map {
        (ExactString("\(root)/data/\($0.element.key)"), $0.offset)
      }, uniquingKeysWith: { first, _ in first })
    let metadataName = "\(root)/\(PyTorchStructure.metadataName)"
    for member in archive.members where member.name != metadataName {
      if let number = numbers[ExactString(member.name)] {
        let entry = archive.entry(
          replacing: member, byteCount: member.byteCount, alignment: plan.alignment)
        plan.append(entry, parts: parts(of: storages[number], places[number], structure))
      } else {
        let entry = archive.entry(copying: member, alignment: plan.alignment)
        plan.append(
          entry,
          parts: [
            .carried(
              archive.source, offset: member.dataRange.lowerBound, count: member.dataRange.count)
          ])
      }
    }
    appendMetadata(root, to: &plan)
  }

  /// Tensors, and the bytes of the first input where there are none.
  private func parts(
    of storage: PyTorchStorage, _ places: [Place], _ structure: PyTorchStructure
  ) -> [ArchivePlan.Part] {
    var parts: [ArchivePlan.Part] = []
    var position = 0
    func carry(to end: Int) {
      guard end > position else { return }
      parts.append(
        .carried(storage.source, offset: storage.offset + position, count: end - position))
    }
    for place in places {
      carry(to: place.offset)
      let dtype = weights.tensors[place.tensor].info.dtype
      let encoding = ElementEncoding(dtype, byteOrder: structure.contents.byteOrder)
      parts.append(.tensor(place.tensor, reversedWidth: encoding.reversedWidth))
      position = place.offset + place.byteCount
    }
    carry(to: storage.byteCount)
    return parts
  }

  // MARK: - Anew

  private func writeAnew(_ plan: inout ArchivePlan) throws {
    let tensors = weights.tensors.enumerated().map { index, tensor in
      PickledTensor(tensor.info, storage: groups[index])
    }
    let state =
      try structure.map {
        try PickledState(
          replacing: tensors, keeping: Set(weights.unreadable.map { ExactString($0.name) }),
          in: $0.dictionary, of: $0.contents)
      } ?? PickledState(tensors)
    var root = PyTorchOutput.newRoot
    if case .zip(_, let name)? = structure?.contents.container { root = name }
    let byteOrder = structure?.contents.byteOrder ?? .littleEndian
    plan.append("\(root)/data.pkl", bytes: state.bytes)
    plan.append("\(root)/.format_version", bytes: Array("1".utf8))
    plan.append("\(root)/.storage_alignment", bytes: Array("\(plan.alignment)".utf8))
    plan.append(
      "\(root)/byteorder", bytes: Array((byteOrder == .bigEndian ? "big" : "little").utf8))
    for (key, source) in state.storages.enumerated() {
      let name = "\(root)/data/\(key)"
      switch source {
      case .new(let tensor):
        let info = weights.tensors[tensor].info
        let width = ElementEncoding(info.dtype, byteOrder: byteOrder).reversedWidth
        let entry = ZipEntry(name, byteCount: info.byteCount, alignment: plan.alignment)
        plan.append(entry, parts: [.tensor(tensor, reversedWidth: width)])
      case .carried(let number):
        guard let storage = structure?.contents.storages[number] else { continue }
        let entry = ZipEntry(name, byteCount: storage.byteCount, alignment: plan.alignment)
        plan.append(
          entry, parts: [.carried(storage.source, offset: storage.offset, count: storage.byteCount)]
        )
      }
    }
    plan.append("\(root)/version", bytes: Array("3\n".utf8))
    appendMetadata(root, to: &plan)
  }

  private func appendMetadata(_ root: String, to plan: inout ArchivePlan) {
    if weights.metadata.isEmpty { return }
    plan.append(
      "\(root)/\(PyTorchStructure.metadataName)", bytes: PyTorchStructure.encode(weights.metadata))
  }

  /// Views of one storage that are not the same and overlap there: transposed weights, slices of a larger tensor.
  private func separatedViews() -> [String] {
    guard let structure else { return [] }
    let entries = structure.dictionary.entries.filter { weights.position(of: $0.name) != nil }
      .sorted { ($0.view.storage, $0.view.byteOffset) < ($1.view.storage, $1.view.byteOffset) }
    var pairs: [(String, String)] = []
    var widest = entries.first
    for entry in entries.dropFirst() {
      guard let before = widest, before.view.storage == entry.view.storage else {
        widest = entry
        continue
      }
      let end = before.view.byteOffset + before.view.byteSpan
      if entry.view.byteOffset < end, entry.view != before.view {
        pairs.append((before.name, entry.name))
      }
      if entry.view.byteOffset + entry.view.byteSpan > end { widest = entry }
    }
    guard let (first, second) = pairs.first else { return [] }
    let more = pairs.count > 1 ? " (the first of \(pairs.count) such pairs)" : ""
    return [
      "tensors '\(first)' and '\(second)' are views of one storage in the first input: "
        + "they are written separately\(more)"
    ]
  }

  /// The tensors that shared their values in the first input and do not any more.
  private func untied() -> [String] {
    guard let structure else { return [] }
    var counts = [Int](repeating: 0, count: structure.contents.storages.count)
    for entry in structure.dictionary.entries { counts[entry.view.storage] += 1 }
    guard counts.contains(where: { $0 > 1 }) else { return [] }
    var first: [TensorView: (name: String, group: Int)] = [:]
    var notices: [String] = []
    for (expected, entry) in structure.dictionary.entries.enumerated()
    where counts[entry.view.storage] > 1 {
      let isExpected =
        expected < weights.count && weights.tensors[expected].info.name == entry.name
      guard let position = isExpected ? expected : weights.position(of: entry.name),
        weights.tensors[position].info.byteCount > 0
      else { continue }
      if let known = first[entry.view] {
        guard known.group != groups[position] else { continue }
        notices.append(
          "tensors '\(known.name)' and '\(entry.name)' share their values in the first input, but not "
            + "in all: they are written separately")
      } else {
        first[entry.view] = (entry.name, groups[position])
      }
    }
    return notices
  }
}
