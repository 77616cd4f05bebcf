import Foundation
import JSONText
import TestSupport
import Testing

/// The tool as a process: what is shown, compared, hashed and verified.
@Suite struct InspectionToolTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write("a", [1, 2, 2])
    try write("b", [1, 2, 5])
  }

  private func write(
    _ name: String, _ values: [Float], metadata: [String: String]? = nil
  ) throws {
    try folder.write(
      "\(name).safetensors",
      SafetensorsFile.encode(
        [
          .init("h.0.w", values), .init("h.0.b", [0]), .init("bn.running_mean", [1]),
          .init("optimizer.m", [3, 4]),
        ], metadata: metadata))
  }

  private func run(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-ckpt", arguments, in: folder.path)
  }

  private func json(_ arguments: String...) throws -> JSONValue {
    let result = try ToolProcess.run("imwa-ckpt", arguments + ["--json"], in: folder.path)
    return try JSONValue(parsing: Array(result.output.utf8))
  }

  @Test(arguments: ["show", "ls"])
  func tensorsAreShownInGroups(command: String) throws {
    let result = try run(command, "a.safetensors")
    #expect(result.status == 0 && result.errors == "")
    #expect(
      result.output == """
        a.safetensors: safetensors, 4 tensors, 28 bytes
          4 parameters in 2 tensors
          1 values of BatchNorm statistics in 1 tensor
          2 values of optimizer state in 1 tensor
          dtypes: F32 (4)

        name             dtype  shape  values      size  role
        h.0.                                4  16 bytes
          w              F32    [3]         3  12 bytes
          b              F32    [1]         1   4 bytes
        bn.running_mean  F32    [1]         1   4 bytes  batch norm
        optimizer.m      F32    [2]         2   8 bytes  optimizer

        """)
  }

  @Test func tiedTensorsAreMarked() throws {
    let path = Fixtures.path("torch/tied_s1.pt")
    let lines = try run("show", path, "--flat").output.split(separator: "\n")
    let dec = lines.filter { $0.hasPrefix("dec.weight ") }
    #expect(dec.count == 1 && dec[0].hasSuffix("tied to enc.weight"))
    #expect(lines.filter { $0.contains("tied to") }.count == 1)
    let result = try json("show", path)
    guard case .array(let tensors)? = result["tensors"] else { return #expect(Bool(false)) }
    #expect(tensors.compactMap { $0["tied_to"]?.string } == ["enc.weight"])
  }

  @Test func flatNamesAreWhole() throws {
    let lines = try run("show", "a.safetensors", "--flat", "--include", "h*").output
      .split(separator: "\n")
    #expect(lines.last == "h.0.b  F32    [1]         1   4 bytes")
  }

  @Test func statisticsAreTold() throws {
    try write("n", [.nan, -3, 5])
    let result = try json("show", "n.safetensors", "--stats")
    guard case .array(let tensors)? = result["tensors"] else { return #expect(Bool(false)) }
    let first = tensors[0]
    #expect(first["min"]?.double == -3 && first["max"]?.double == 5)
    #expect(first["mean"]?.double == 1 && first["std"]?.double == 4)
    #expect(first["nan"]?.integer == 1 && first["inf"]?.integer == 0)
    #expect(tensors[2]["role"]?.string == "batch_norm")
    #expect(tensors[1]["zeros"]?.integer == 1)
  }

  @Test func valuesAreSliced() throws {
    try folder.write(
      "m.safetensors",
      SafetensorsFile.encode([.init("w", (0..<12).map(Float.init), shape: [3, 4])]))
    #expect(
      try run("show", "m.safetensors", "--values", "w[1:, ::2]").output
        == "[[4.0, 6.0],\n [8.0, 10.0]]\n")
    #expect(try run("show", "m.safetensors", "--values", "w[-1,-1]").output == "11.0\n")
    #expect(try run("show", "m.safetensors", "--values", "w[3]").status == 64)
    let missing = try run("show", "m.safetensors", "--values", "v[0]")
    #expect(missing.status == 64 && missing.errors.contains("there is no tensor 'v[0]'"))
  }

  @Test func differencesHaveTheirPlace() throws {
    let result = try run("diff", "a.safetensors", "b.safetensors")
    #expect(result.status == 1)
    #expect(result.output.contains("h.0.w        1   3              3       0.6  10485760  [2]"))
    let json = try json("diff", "a.safetensors", "b.safetensors")
    guard case .array(let tensors)? = json["tensors"] else { return #expect(Bool(false)) }
    #expect(tensors.count == 1 && tensors[0]["largest"]?.double == 3)
    #expect(tensors[0]["largest_at"] == .array([.integer(2)]))
    #expect(try run("diff", "a.safetensors", "a.safetensors").status == 0)
  }

  @Test func anyLimitLetsAPairPass() throws {
    func status(_ options: String...) throws -> Int32 {
      try ToolProcess.run(
        "imwa-ckpt", ["diff", "a.safetensors", "b.safetensors"] + options, in: folder.path
      ).status
    }
    #expect(try status("--abs", "3") == 0)
    #expect(try status("--abs", "2.9") == 1)
    #expect(try status("--rel", "0.6") == 0)
    #expect(try status("--rel", "0.59") == 1)
    #expect(try status("--ulp", "10485760") == 0)
    #expect(try status("--ulp", "10485759", "--abs", "1") == 1)
    #expect(try status("--abs=-1") == 64)
  }

  @Test func metadataCountsWithinOneFormat() throws {
    try write("c", [1, 2, 2], metadata: ["format": "tf"])
    try write("d", [1, 2, 2], metadata: ["format": "pt"])
    #expect(try run("diff", "a.safetensors", "c.safetensors").status == 1)
    #expect(try run("diff", "a.safetensors", "d.safetensors").status == 0)
    #expect(try run("diff", "a.safetensors", "c.safetensors", "--no-metadata").status == 0)
    #expect(try run("convert", "c.safetensors", "-o", "c.h5").status == 0)
    #expect(try run("diff", "a.safetensors", "c.h5").status == 0)
  }

  @Test func theHashIsThatOfThePublishedDefinition() throws {
    try folder.write("e.safetensors", SafetensorsFile.encode([]))
    // printf 'imwa-ckpt hash 1\n' | sha256sum
    let empty = "0272345ca02eec608e84992fe5c77ad39f860665f1f8ad410608c3c673f01cc2"
    #expect(try run("hash", "e.safetensors").output == "\(empty)  e.safetensors\n")
    let same = try run("hash", "a.safetensors", "b.safetensors").output.split(separator: "\n")
    #expect(same.count == 2 && same[0].prefix(64) != same[1].prefix(64))
    let tensors = try run("hash", "a.safetensors", "--per-tensor").output.split(separator: "\n")
    #expect(
      tensors.map { $0.split(separator: ":").last.map(String.init) }.prefix(4) == [
        "bn.running_mean", "h.0.b", "h.0.w", "optimizer.m",
      ])
  }

  @Test func whatIsWrongIsToldWithItsCause() throws {
    let whole = try folder.read("a.safetensors")
    try folder.write("cut.safetensors", Array(whole.dropLast(5)))
    try folder.write("page.safetensors", text: "<!DOCTYPE html><html></html>")
    try folder.write(
      "pointer.safetensors",
      text: "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5242880\n")
    try folder.write("renamed.h5", whole)
    let cases = [
      ("cut.safetensors", "describes 28 bytes of data, the file has 23"),
      ("page.safetensors", "it is a web page"),
      ("pointer.safetensors", "git-lfs pointer, not the file itself, which has 5.24 MB"),
      ("renamed.h5", "it is a sound safetensors file, but is named like HDF5"),
    ]
    for (name, reason) in cases {
      let result = try run("verify", name)
      #expect(result.status == 1)
      #expect(result.output.contains(reason), "\(result.output)")
      #expect(result.output.contains("hint: "))
    }
    let all = try run("verify", "a.safetensors", "cut.safetensors", "b.safetensors")
    #expect(all.status == 1)
    #expect(all.output.contains("a.safetensors: sound: safetensors, 4 tensors, 28 bytes\n"))
    #expect(all.output.contains("b.safetensors: sound"))
    #expect(try run("verify", "missing.safetensors").status == 66)
  }

  @Test func aMissingInputKeepsNoOtherFromBeingVerified() throws {
    try folder.write("cut.safetensors", Array(try folder.read("b.safetensors").dropLast(5)))
    let missing = try run("verify", "a.safetensors", "nothing.pt", "no*.h5", "b.safetensors")
    #expect(missing.status == 66)
    #expect(missing.output.contains("a.safetensors: sound"))
    #expect(missing.output.contains("b.safetensors: sound"))
    #expect(missing.errors.contains("nothing.pt: no such file or folder"))
    #expect(missing.errors.contains("no*.h5: no file or folder matches this pattern"))
    let both = try run("verify", "nothing.pt", "cut.safetensors", "b.safetensors")
    #expect(both.status == 1)
    #expect(both.output.contains("b.safetensors: sound"))
    let result = try json("verify", "nothing.pt", "a.safetensors")
    guard case .array(let entries) = result else { return #expect(Bool(false)) }
    #expect(entries.map { $0["path"]?.string } == ["nothing.pt", "a.safetensors"])
    #expect(entries.map { $0["sound"] } == [.bool(false), .bool(true)])
  }

  @Test func aLinkThatLeadsNowhereKeepsNoOtherFromBeingVerified() throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("a0.safetensors"), withDestinationPath: "gone.safetensors")
    let result = try run("verify", ".")
    #expect(result.status == 66)
    #expect(result.errors.contains("a0.safetensors: it is a symbolic link to a file that does not"))
    #expect(result.output.contains("b.safetensors: sound"))
  }

  @Test func valuesAreVerifiedOnRequest() throws {
    try write("n", [1, .infinity, .nan])
    #expect(try run("verify", "n.safetensors").status == 0)
    let result = try run("verify", "n.safetensors", "--values")
    #expect(result.status == 1)
    #expect(result.output.contains("tensor 'h.0.w': 1 NaN and 1 infinity, the first at [1]"))
  }
}
