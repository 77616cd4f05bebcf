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
    do {
      let catalogue = try HDF5Child.catalogue(of: file.fileDescriptor, size: size)
      #expect(catalogue.datasets.map(\.path) == ["kernel", "mask"])
    } catch let error as HDF5Error {
      #expect(error.code == .tooNew)
      let version = try #require(error.description.firstMatch(of: /libhdf5 (\d+)\.(\d+)\.\d+/))
      #expect(version.1 == "1" && (10...14).contains(Int(version.2) ?? 0))
    }
  }
}
