import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct CheckpointInputsTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let bytes = SafetensorsFile.encode([.init("w", [1])])
    for step in [9, 10, 100] { try folder.write("run/step-\(step).safetensors", bytes) }
    try folder.write("run/log.txt", text: "")
    try folder.write("run/.hidden.safetensors", bytes)
    for step in [500, 1000] {
      try folder.write("trainer/checkpoint-\(step)/model.safetensors", bytes)
    }
  }

  private func expand(_ argument: String) throws -> [String] {
    try CheckpointInputs([folder.file(argument)]).paths.map {
      String($0.string.dropFirst(folder.path.count + 1))
    }
  }

  @Test func aFolderStandsForItsCheckpointsInNaturalOrder() throws {
    #expect(
      try expand("run")
        == ["run/step-9.safetensors", "run/step-10.safetensors", "run/step-100.safetensors"])
    #expect(
      try expand("trainer") == ["trainer/checkpoint-500", "trainer/checkpoint-1000"])
  }

  @Test func aFolderOfATrainerStandsForItsCheckpointsWhenSomeAreChosen() throws {
    try folder.write("trainer/model.safetensors", SafetensorsFile.encode([.init("w", [1])]))
    #expect(try expand("trainer") == ["trainer"])
    let chosen = try CheckpointInputs([folder.file("trainer")], for: .selection).paths
    #expect(chosen.map { $0.lastComponent?.string } == ["checkpoint-500", "checkpoint-1000"])
  }

  @Test func aFolderThatMayBeMeantInTwoWaysIsRefused() throws {
    try folder.write("trainer/loose.safetensors", SafetensorsFile.encode([.init("w", [1])]))
    #expect(throws: CheckpointError.self) { try expand("trainer") }
  }

  @Test func whatAKilledRunLeftIsNoCheckpoint() throws {
    try folder.write(
      "trainer/.checkpoint-9.imwa-partial/model.safetensors",
      SafetensorsFile.encode([.init("w", [1])]))
    #expect(try expand("trainer").count == 2)
  }

  @Test func aFolderWithAModelIsOneCheckpoint() throws {
    #expect(try expand("trainer/checkpoint-500") == ["trainer/checkpoint-500"])
  }

  @Test func patternsAreExpanded() throws {
    #expect(
      try expand("run/step-1*.safetensors") == [
        "run/step-10.safetensors", "run/step-100.safetensors",
      ])
    #expect(
      try expand("*/checkpoint-[0-9]*") == ["trainer/checkpoint-500", "trainer/checkpoint-1000"])
    #expect(throws: CheckpointError.self) { try expand("run/none-*") }
  }

  @Test func aFileWhoseNameLooksLikeAPatternIsAFile() throws {
    try folder.write("a[1].safetensors", SafetensorsFile.encode([.init("w", [1])]))
    #expect(try expand("a[1].safetensors") == ["a[1].safetensors"])
  }

  @Test func aFolderWithoutCheckpointsIsRefused() throws {
    try folder.write("empty/x.txt", text: "")
    #expect(throws: CheckpointError.self) { try expand("empty") }
  }

  @Test func theLastAreThoseWithTheHighestNumbers() throws {
    var inputs = try CheckpointInputs([folder.file("run")])
    inputs.keepLast(2)
    #expect(
      inputs.paths.map { $0.lastComponent?.string } == [
        "step-10.safetensors", "step-100.safetensors",
      ])
    inputs.keepLast(9)
    #expect(inputs.paths.count == 2)
  }

  @Test func theOutputIsNoInput() throws {
    let output = FilePath(folder.file("run/step-100.safetensors"))
    let inputs = try CheckpointInputs([folder.file("run")], for: .averaging, output: output)
    #expect(inputs.paths.count == 2)
    #expect(inputs.notices == ["\(output) is the output and no input"])
  }
}
