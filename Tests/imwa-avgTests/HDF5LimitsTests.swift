import TestSupport
import Testing

/// Files that libhdf5 changes or builds in a child process, under a limit of the user's.
@Suite struct HDF5LimitsTests {
  @Test(arguments: ["keras2_mlp_s1.weights_legacy.h5", "keras3_cnn_bn_s1.weights.h5", "chunked.h5"])
  func aLimitOnFileSizesIsNotTheSourcesFault(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.h5", try Fixtures.bytes("hdf5/\(name)"))
    let limits = ["-f 1", "-f 3", "-S -f 3"]
    for limit in limits {
      let result = try ToolProcess.run(
        "imwa-avg", ["merge", "a.h5", "-o", "o.h5"], limits: limit, in: folder.path)
      #expect(result.status == 74, "\(limit): \(result.errors)")
      #expect(result.errors.contains("writing failed"))
      #expect(result.errors.contains("'ulimit -f'"))
      #expect(try folder.names() == ["a.h5"])
    }
  }
}
