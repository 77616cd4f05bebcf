import TensorCore

/// How many bytes a file needs at least when libhdf5 writes it anew, as `h5repack` does: what its parts need, without
/// holes between them, room in headers, and nodes and heaps that were larger once.
struct PackedSize {
  /// An old group: names in a heap, links in nodes of a tree.
  private struct SymbolTable {
    let indexByteCount: Int
    let heapByteCount: Int
  }

  /// The names of a group's links, as they are put into a heap one after the other.
  private struct NameHeap {
    /// The room that a heap starts with.
    private static let first = 88
    private static let header = 32
    /// A piece that is left has to be at least so large.
    private static let smallestFree = 16

    private(set) var linkCount = 0
    private var room = NameHeap.first
    /// The empty name comes first.
    private var free = NameHeap.first - 8

    var byteCount: Int { NameHeap.header + room }

    /// Adds the name of a link; the target of a soft one stands beside it.
    mutating func add(name: Int, target: Int?) {
      linkCount += 1
      insert(name)
      if let target { insert(target) }
    }

    /// Texts have an end, and units of eight bytes.
    private mutating func insert(_ count: Int) {
      let needed = (count + 8) / 8 * 8
      while free != needed, free - needed < NameHeap.smallestFree {
        free += room
        room *= 2
      }
      free -= needed
    }
  }

  /// Sizes of the parts that symbol tables are made of. (HDF5 File Format Specification 3.0, III.A and III.B.)
  private struct Sizes {
    var address = 8
    var length = 8
    var leafK = 4
    var internalK = 16
  }

  private var byteCount = 0
  private var sizes = Sizes()
  private var tables: [ExactString: SymbolTable] = [:]
  private var heaps: [ExactString: NameHeap] = [:]

  /// Adds what stays as it is.
  mutating func add(_ count: Int) throws(HDF5Error) {
    let (sum, overflow) = byteCount.addingReportingOverflow(count)
    guard !overflow, count >= 0 else { throw .message("sizes are too large") }
    byteCount = sum
  }

  /// Sets what the file's symbol tables are made of.
  mutating func setSizes(address: Int, length: Int, leafK: Int, internalK: Int) {
    // What libhdf5 allows is far less than what a message can say.
    func bounded(_ count: Int) -> Int { min(max(count, 2), 1 << 16) }
    sizes = Sizes(
      address: address, length: length, leafK: bounded(leafK), internalK: bounded(internalK))
  }

  /// Adds the symbol table of a group.
  mutating func addTable(of path: String, index: Int, heap: Int) {
    tables[ExactString(path)] = SymbolTable(indexByteCount: index, heapByteCount: heap)
  }

  /// Notes a link, of each group's in their order.
  mutating func addLink(_ path: String, target: String? = nil) {
    let utf8 = path.utf8
    if utf8.isEmpty { return }
    let slash = utf8.lastIndex(of: UInt8(ascii: "/"))
    let group = ExactString(slash.map { String(path[..<$0]) } ?? "")
    let name = utf8.distance(
      from: slash.map { utf8.index(after: $0) } ?? utf8.startIndex, to: utf8.endIndex)
    heaps[group, default: NameHeap()].add(name: name, target: target?.utf8.count)
  }

  /// The sum of all.
  func total() throws(HDF5Error) -> Int {
    var total = self
    for (path, table) in tables {
      let names = heaps[path] ?? NameHeap()
      try total.add(min(table.indexByteCount, indexByteCount(of: names.linkCount)))
      try total.add(min(table.heapByteCount, names.byteCount))
    }
    return total.byteCount
  }

  /// Names come in their order, so that a full node leaves half of its links behind.
  private func indexByteCount(of links: Int) -> Int {
    func nodes(_ count: Int, _ half: Int) -> Int {
      count <= 2 * half ? 1 : 1 + (count - half - 1) / half
    }
    let entry = sizes.address + sizes.length + 24
    let leaf = 8 + 2 * sizes.leafK * entry
    let inner =
      8 + 2 * sizes.address + 2 * sizes.internalK * sizes.address
      + (2 * sizes.internalK + 1) * sizes.length
    if links == 0 { return inner }
    // More links than any file has would only overflow.
    var level = nodes(min(links, 1 << 32), sizes.leafK)
    var total = level * leaf
    repeat {
      level = nodes(level, sizes.internalK)
      total += level * inner
    } while level > 1
    return total
  }
}
