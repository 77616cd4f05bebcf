import Testing

@testable import Plotting

@Suite struct NumberTextTests {
  @Test(arguments: [
    (10.254917987540686, "10.2549"), (0, "0"), (-0.5, "-0.5"), (123456.7, "123457"),
    (1234567.8, "1.23457e+06"), (0.00012345678, "0.000123457"), (0.000012, "1.2e-05"),
    (999999.9, "1e+06"), (99.99999, "100"), (1e-300, "1e-300"), (.nan, "nan"),
    (-.infinity, "-inf"), (5e-324, "5e-324"), (100, "100"), (0.1 + 0.2, "0.3"),
  ])
  func sixDigitsAreShown(value: Double, text: String) {
    #expect(NumberText.text(value) == text)
  }

  @Test func thousandsAreGrouped() {
    #expect(
      [0, 999, 1000, 1_234_567, 12_000_005, -1_000, Int.min].map(NumberText.grouped) == [
        "0", "999", "1,000", "1,234,567", "12,000,005", "-1,000", "-9,223,372,036,854,775,808",
      ])
  }
}
