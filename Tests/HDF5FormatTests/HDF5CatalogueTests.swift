import Testing

@testable import HDF5Format

@Suite struct HDF5CatalogueTests {
  @Test func whatIsNoMessageIsRefused() {
    for message in [[], Array("IMWAHDF5".utf8), Array("IMWAHDF5\u{1}\u{9}".utf8)] {
      #expect(throws: HDF5Error.self) { try HDF5Catalogue(message: message, fileSize: 100) }
    }
  }
}
