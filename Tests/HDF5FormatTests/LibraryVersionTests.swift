import Foundation
import TestSupport
import Testing

@testable import HDF5Format

/// Files that only some of the versions of libhdf5 that can be built in are able to read.
@Suite struct LibraryVersionTests {
  /// A dataset of booleans, written by HDF5 2.0 in its newest form.
  @Test func aFileThatIsTooNewNamesTheVersionThatIsBuiltIn() throws {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: Fixtures.path("hdf5/newer.h5")))
    let size = try Int(file.seekToEnd())
    switch Result(catching: { try HDF5Child.catalogue(of: file.fileDescriptor, size: size) }) {
    case .success(let catalogue):
      // What an older version cannot read is named, and blocks nothing else.
      let reasons = catalogue.unread.map(\.sentence)
      #expect(
        catalogue.datasets.map(\.path) == (reasons.isEmpty ? ["kernel", "mask"] : ["kernel"]))
      #expect(
        reasons.allSatisfy { $0.contains(/than the built-in libhdf5 1\.1[0-4]\.\d+ can read/) })
    case .failure(let error):
      let refusal = try #require(error as? HDF5Error)
      #expect(refusal.code == .tooNew)
      #expect(refusal.description.contains(/than the built-in libhdf5 1\.1[0-4]\.\d+ can read/))
    }
  }
}
