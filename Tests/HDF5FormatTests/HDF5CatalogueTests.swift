import Testing

@testable import HDF5Format

@Suite struct HDF5CatalogueTests {
  @Test func numbersInPathsCountByTheirSize() {
    let paths = [
      "a", "layers/conv2d/vars/0", "layers/conv2d/vars/1", "layers/conv2d/vars/2",
      "layers/conv2d/vars/10", "layers/conv2d_2/vars/0", "layers/conv2d_10/vars/0", "layers_2",
      "vars/007", "vars/7", "vars/8",
    ]
    #expect(paths.shuffled().sorted { $0.precedesNumerically($1) } == paths)
    for path in paths { #expect(!path.precedesNumerically(path)) }
  }

  @Test func whatIsNoMessageIsRefused() {
    for message in [[], Array("IMWAHDF5".utf8), Array("IMWAHDF5\u{1}\u{9}".utf8)] {
      #expect(throws: HDF5Error.self) { try HDF5Catalogue(message: message, fileSize: 100) }
    }
  }
}
