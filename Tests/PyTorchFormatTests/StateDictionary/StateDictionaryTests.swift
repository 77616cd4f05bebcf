import FileIO
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import PyTorchFormat

@Suite struct StateDictionaryTests {
  private func file(_ name: String) throws -> PyTorchFile {
    try PyTorchFile(try ReadableFile(FilePath(Fixtures.path(name))))
  }

  private func names(_ choice: StateChoice) throws -> [String] {
    try StateDictionary(of: file("torch/fullckpt_s1.pt"), choice: choice).entries.map(\.name)
  }

  @Test func theUsualKeysAreFound() throws {
    let dictionary = try StateDictionary(of: file("torch/fullckpt_s1.pt"), choice: StateChoice())
    #expect(dictionary.entries.map(\.name).prefix(2) == ["conv1.weight", "bn1.weight"])
    #expect(dictionary.entries.filter { $0.name.hasPrefix("optimizer.state.") }.count == 36)
    #expect(dictionary.entries.count == 51)
    #expect(dictionary.others.contains("'epoch'"))
    #expect(dictionary.others.contains("'ema' (16 tensors)"))
    #expect(dictionary.unknown.isEmpty)
  }

  @Test func averagesAreChosenWhenAskedFor() throws {
    let names = try names(StateChoice(prefersAverage: true))
    #expect(names.first == "conv1.weight")
    // The counter of the wrapper and its prefix are no part of the weights.
    #expect(!names.contains("n_averaged"))
  }

  @Test(arguments: [
    (".", "model.conv1.weight", 68), ("model", "conv1.weight", 51), ("ema", "conv1.weight", 51),
    ("optimizer.state.0", "step", 4),
  ])
  func keysChoose(key: String, first: String, count: Int) throws {
    let names = try names(StateChoice(key: key))
    #expect(names.first == first)
    #expect(names.count == count)
  }

  @Test func anUnknownKeyIsToldWithThoseThatAreThere() throws {
    let error = #expect(throws: PyTorchError.self) { try names(StateChoice(key: "modell")) }
    #expect(error?.kind == .usage)
    #expect(error?.hint?.contains("'model'") == true)
    let none = #expect(throws: PyTorchError.self) {
      try StateDictionary(
        of: file("torch/mlp_s1.pt"), choice: StateChoice(prefersAverage: true))
    }
    #expect(none?.kind == .usage)
  }

  @Test func tiedTensorsLookAtOnePlace() throws {
    let entries = try StateDictionary(of: file("torch/tied_s1.pt"), choice: StateChoice()).entries
    let views = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.view) })
    #expect(views["enc.weight"] == views["dec.weight"])
    #expect(views["enc.weight"] != views["mid.weight"])
  }
}
