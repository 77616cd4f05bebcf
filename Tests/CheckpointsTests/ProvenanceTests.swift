import TensorCore
import Testing

@testable import Checkpoints

@Suite struct ProvenanceTests {
  @Test func theRecordIsOneLineOfSortedJSON() {
    let provenance = Provenance(
      method: "linear",
      inputs: [
        Provenance.Input(name: "a", parameter: ("weight", 0.5), digests: [("a", "00")]),
        Provenance.Input(name: "b", digests: [("x", "11"), ("y", "22")]),
      ])
    #expect(
      provenance.json.text
        == #"{"inputs":[{"name":"a","weight":0.5,"sha256":"00"},"#
        + #"{"name":"b","sha256":{"x":"11","y":"22"}}],"method":"linear","version":"0.1.0"}"#)
  }

  @Test func whatInputsRecordedGoes() throws {
    let map = try WeightMap([], metadata: ["imwa": "old", "imwa_ema_updates": "3", "format": "pt"])
    #expect(map.recording(nil).metadata == ["format": "pt"])
    let provenance = Provenance(method: "ema", inputs: [])
    #expect(map.recording(provenance).metadata["imwa"] == provenance.json.text)
  }
}
