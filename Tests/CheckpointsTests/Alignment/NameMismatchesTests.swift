import Testing

@testable import Checkpoints

/// What the hint says of names that differ.
@Suite struct NameMismatchesTests {
  private func hint(_ first: [String], _ second: [String]) -> String? {
    let mismatches =
      first.filter { !second.contains($0) }.map { Mismatch.missing(tensor: $0, from: 1) }
      + second.filter { !first.contains($0) }.map { Mismatch.extra(tensor: $0, in: 1) }
    return AlignmentError(
      mismatches: mismatches, labels: ["a", "b"], purpose: .merging,
      tensorCounts: [first.count, second.count]
    ).hint
  }

  @Test(arguments: [
    (["x.w", "x.b"], ["net.x.w", "net.x.b"], "'b' -o NEW --rename 's/^net\\.//'"),
    (["net.x.w", "net.x.b"], ["x.w", "x.b"], "'a' -o NEW --rename 's/^net\\.//'"),
    (["m.x.w", "m.x.b"], ["m._orig_mod.x.w", "m._orig_mod.x.b"], "'s/_orig_mod\\.//'"),
    (["m.w"], ["m._fsdp_wrapped_module.w"], "'s/_fsdp_wrapped_module\\.//'"),
  ])
  func aPrefixIsTakenAway(first: [String], second: [String], text: String) {
    #expect(hint(first, second)?.contains(text) == true)
  }

  @Test func modelsOfTwoKindsAreNotMadeOne() {
    let hint = hint(["x", "y", "z"], ["x", "p", "q"])
    #expect(hint?.contains("--missing") == false)
    #expect(hint?.contains("imwa-ckpt show") == true)
  }

  @Test func someMissingTensorsCanBeLeftOut() {
    #expect(hint(["x", "y", "z"], ["x", "y"])?.contains("--missing intersect") == true)
  }
}
