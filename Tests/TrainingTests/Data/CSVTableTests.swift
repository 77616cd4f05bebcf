import Testing

@testable import Training

@Suite struct CSVTableTests {
  private func table(_ text: String) throws -> CSVTable {
    try CSVTable(Array(text.utf8), label: "t.csv")
  }

  @Test func labelsAreTheLastColumnOrANamedOne() throws {
    let table = try table("kind,a,b\r\nx,1,2\r\ny,3.5,-4e1\r\nx,5,6\r\n\r\n")
    let data = try table.dataSet(labelColumn: "kind")
    #expect(data.labels == [0, 1, 0] && data.classNames == ["x", "y"])
    #expect(data.features(of: 1) == [3.5, -40])
    #expect(try table.dataSet(labelColumn: "1").labels == [0, 1, 0])
    #expect(throws: TrainingError.self) { try table.dataSet(labelColumn: nil) }
    #expect(throws: TrainingError.self) { try table.dataSet(labelColumn: "c") }
  }

  @Test func labelsThatAreNumbersAreOrderedAsNumbers() throws {
    let data = try table("0.5, 10\n1, 9\n2, 9").dataSet(labelColumn: nil)
    #expect(data.classNames == ["9", "10"] && data.labels == [1, 0, 0])
    #expect(data.features(of: 0) == [0.5])
  }

  @Test func quotedFieldsMayHaveCommasAndQuotes() throws {
    let data = try table("1,\"a, \"\"b\"\"\"\n2,c\n").dataSet(labelColumn: nil)
    #expect(data.classNames == ["a, \"b\"", "c"])
  }

  @Test(arguments: [
    ("1,2\n3\n", "line 2: expected 2 fields as in line 1, found 1"),
    ("1,a\nx,b\n", "line 2, column 1: expected a number, found 'x'"),
    ("1,a\nnan,b\n", "line 2, column 1: expected a number, found 'nan'"),
    ("1,\"a\n", "line 1: a quoted field does not end"),
    ("a,b\n", "there are no lines of values"),
    ("1,a\n2,a\n", "all labels are 'a'"),
  ])
  func mistakesAreNamed(text: String, sentence: String) {
    let error = #expect(throws: TrainingError.self) {
      try table(text).dataSet(labelColumn: nil)
    }
    #expect(error?.description.contains(sentence) == true)
    #expect(error?.description.hasPrefix("t.csv: ") == true)
  }

  @Test func bytesThatAreNoTextAreRefused() {
    #expect(throws: TrainingError.self) { try CSVTable([0x31, 0x2C, 0xFF, 0x0A], label: "t.csv") }
  }
}
