import TensorCore
import Testing

@testable import ToolSupport

@Suite struct ArgumentValuesTests {
  @Test(arguments: [
    ("5GB", 5_000_000_000), ("500mb", 500_000_000), ("1GiB", 1_073_741_824), ("1.5kB", 1500),
    ("1000", 1000), ("2 TB", 2_000_000_000_000), ("7B", 7),
  ])
  func sizes(text: String, count: Int) { #expect(ByteSize(argument: text)?.count == count) }

  @Test(arguments: ["", "GB", "-1", "0", "5XB", "1e3", "1..5GB", "99999999999TB", "5GBs"])
  func nonsenseIsNoSize(text: String) { #expect(ByteSize(argument: text) == nil) }

  @Test func dtypesHaveTheNamesThatPeopleUse() {
    #expect(FloatingDType(argument: "bf16")?.dtype == .bfloat16)
    #expect(FloatingDType(argument: "float32")?.dtype == .float32)
    #expect(FloatingDType(argument: "F8_E4M3")?.dtype == .float8E4M3)
    #expect(FloatingDType(argument: "I8") == nil)
    for name in FloatingDType.allValueStrings { #expect(FloatingDType(argument: name) != nil) }
  }

  @Test func lists() {
    #expect(NumberList(argument: "0.7, 0.3")?.numbers == [0.7, 0.3])
    #expect(NumberList(argument: "-1,2e-3")?.numbers == [-1, 0.002])
    for text in ["", "1,", "a", "1;2"] { #expect(NumberList(argument: text) == nil) }
  }
}
