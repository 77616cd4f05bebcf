import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

/// Which checkpoints of a folder are others under another name.
@Suite struct CheckpointSeriesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, _ value: Float, note: String = "") throws {
    let bytes = SafetensorsFile.encode([.init("w", [value])], metadata: ["note": note])
    try folder.write(name + ".safetensors", bytes)
  }

  private func inputs(_ purpose: CheckpointInputs.Purpose = .averaging, last: Int? = nil) throws
    -> (names: [String], notices: [String])
  {
    var inputs = try CheckpointInputs([folder.path], for: purpose)
    if let last { inputs.keepLast(last) }
    return (
      inputs.paths.compactMap { $0.stem },
      inputs.notices.map { $0.replacingOccurrences(of: folder.path + "/", with: "") }
    )
  }

  @Test(arguments: [
    "last", "checkpoint_latest", "model-final", "best", "best-step=3", "checkpoint",
  ])
  func aCopyOfACheckpointDoesNotCountTwice(name: String) throws {
    for step in 1...3 { try write("step=\(step)", Float(step)) }
    try write(name, 3, note: "saved again, with other text beside the weights")
    let found = try inputs(last: 2)
    #expect(found.names == ["step=2", "step=3"])
    #expect(
      found.notices == [
        "\(name).safetensors is left out: it is a copy of step=3.safetensors"
      ])
    #expect(try inputs().names.count == 3)
    #expect(try inputs(.inspection).names.count == 4)
  }

  @Test func aLastOneThatIsNewerIsTheLast() throws {
    for step in 1...3 { try write("step=\(step)", Float(step)) }
    try write("last", 4)
    let found = try inputs(last: 2)
    #expect(found.names == ["step=3", "last"])
    #expect(found.notices == [])
  }

  @Test func aBestOneOfUnknownPlaceIsNotAmongTheLast() throws {
    for step in 1...3 { try write("step=\(step)", Float(step)) }
    try write("best", 9)
    let found = try inputs(last: 2)
    #expect(found.names == ["step=2", "step=3"])
    #expect(
      found.notices == [
        "best.safetensors is left out: its name does not tell its place among the others"
      ])
    #expect(try inputs().names.count == 4)
  }

  @Test func checkpointsOfOtherStepsCountThoughTheyAreEqual() throws {
    for step in 1...3 { try write("step=\(step)", 1) }
    #expect(try inputs().names.count == 3)
    try write("step=3-copy", 1)
    #expect(try inputs().names == ["step=1", "step=2", "step=3"])
  }

  @Test(arguments: ["step=4", "latest"], [true, false])
  func linksAreTheFilesThatTheyLeadTo(name: String, isSymbolic: Bool) throws {
    for step in 1...3 { try write("step=\(step)", Float(step)) }
    let (target, link) = ("step=3.safetensors", folder.file(name + ".safetensors"))
    if isSymbolic {
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    } else {
      try FileManager.default.linkItem(atPath: folder.file(target), toPath: link)
    }
    #expect(try inputs().names.count == 3)
    if isSymbolic { #expect(try inputs().names == ["step=1", "step=2", "step=3"]) }
  }

  @Test func otherVersionsOfAFileAreLeftOut() throws {
    for name in ["step=1", "step=1.fp16", "step=2", "step=2_ema", "step=2.non_ema"] {
      try write(name, Float(name.count))
    }
    try folder.write("step=2.bin", [0x80])
    let found = try inputs()
    #expect(found.names == ["step=1", "step=2"])
    #expect(found.notices.count == 4)
    #expect(
      found.notices[0]
        == "step=1.fp16.safetensors is left out: by its name it is another version of "
        + "step=1.safetensors")
  }

  @Test func foldersOfATrainerAreComparedByTheirWeights() throws {
    for (name, value) in [("checkpoint-9", Float(1)), ("checkpoint-10", 2), ("checkpoint-best", 1)]
    {
      try write(name + "/model", value)
    }
    let found = try inputs(last: 2)
    #expect(found.names == ["checkpoint-9", "checkpoint-10"])
    #expect(
      found.notices == ["checkpoint-best is left out: it is a copy of checkpoint-9"])
  }
}
