import Testing

@testable import HDF5Format

@Suite struct PackedSizeTests {
  /// What `h5stat` tells of groups that libhdf5 made with so many names of four bytes, one after the other.
  @Test(arguments: [
    (links: 0, index: 544, heap: 120), (8, 872, 120), (9, 1200, 208), (12, 1200, 208),
    (13, 1528, 208), (150, 13768, 1440),
  ])
  func symbolTablesAreAsLibhdf5FillsThem(links: Int, index: Int, heap: Int) throws {
    var size = PackedSize()
    for number in 0..<links { size.addLink("group/\(1000 + number)") }
    size.addTable(of: "group", index: Int.max / 4, heap: Int.max / 4)
    #expect(try size.total() == index + heap)
  }

  @Test func whatWasSmallerStaysSmaller() throws {
    var size = PackedSize()
    size.addLink("name")
    size.addTable(of: "", index: 800, heap: 48)
    try size.add(1000)
    #expect(try size.total() == 800 + 48 + 1000)
    #expect(throws: HDF5Error.self) { try size.add(Int.max) }
  }
}
