import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct MetricSelectionTests {
  private func best(
    _ count: Int, _ mode: MetricSelection.Mode, _ files: [(String, String)], _ names: [String]
  )
    throws -> [String]
  {
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(name, text: text) }
    let paths = names.map { FilePath(folder.file($0)) }
    return try MetricSelection(metric: "val.loss", mode: mode).best(count, of: paths)
      .map { $0.path.lastComponent?.string ?? "" }
  }

  @Test func choosesByTheFileBesideEach() throws {
    let files = [
      ("a.json", #"{"val.loss": 0.5}"#), ("b.safetensors.json", #"{"val": {"loss": 0.1}}"#),
      ("c.metrics.json", #"{"val": {"loss": 0.3}}"#),
    ]
    let names = ["a.safetensors", "b.safetensors", "c.safetensors"]
    #expect(try best(2, .min, files, names) == ["b.safetensors", "c.safetensors"])
    #expect(try best(1, .max, files, names) == ["a.safetensors"])
    #expect(try best(9, .max, files, names).count == 3)
  }

  @Test func ofEqualOnesTheEarlierIsTaken() throws {
    let files = ["a", "b", "c"].map { ("\($0).json", #"{"val.loss": 1}"#) }
    #expect(
      try best(2, .max, files, ["a.safetensors", "b.safetensors", "c.safetensors"])
        == ["a.safetensors", "b.safetensors"])
  }

  @Test func runsThatDivergedAreTheWorst() throws {
    let files = [
      ("a.json", #"{"val.loss": NaN}"#), ("b.json", #"{"val.loss": 2}"#),
      ("c.json", #"{"val.loss": -Infinity}"#), ("d.json", #"{"val.loss": 1e999}"#),
    ]
    let names = files.map { $0.0.replacing(".json", with: ".safetensors") }
    for mode in MetricSelection.Mode.allCases {
      #expect(try best(1, mode, files, names) == ["b.safetensors"])
    }
  }

  @Test(arguments: [nil, "{}", "[1]", #"{"val.loss": "x"}"#, "damaged"])
  func aMissingMetricIsAnError(text: String?) throws {
    #expect(throws: CheckpointError.self) {
      try best(1, .min, text.map { [("a.json", $0)] } ?? [], ["a.safetensors"])
    }
  }
}
