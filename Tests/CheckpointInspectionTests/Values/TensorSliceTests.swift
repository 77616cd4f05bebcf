import JSONText
import TensorCore
import Testing

@testable import CheckpointInspection

@Suite struct TensorSliceTests {
  private func weights() throws -> WeightMap {
    try WeightMap([
      Tensor(name: "w", shape: Shape([2, 3, 4]), values: (0..<24).map(Float.init)),
      Tensor(name: "odd[0]", shape: Shape([]), values: [7]),
      Tensor(name: "empty", shape: Shape([0, 2]), values: []),
      Tensor(name: "f4", shape: Shape([4]), encoding: ElementEncoding(.float4), bytes: [1, 2]),
    ])
  }

  private func text(_ slice: String) throws -> String {
    let slice = try TensorSlice(slice, in: weights())
    return TensorSlice.text(try slice.values(), shape: slice.shape)
  }

  @Test(arguments: [
    ("w[1,2,3]", "23.0"), ("w[-1,-1,-1]", "23.0"), ("w[0,0]", "[0.0, 1.0, 2.0, 3.0]"),
    ("w[:,1,2]", "[6.0, 18.0]"), ("w[0,::2,1:3]", "[[1.0, 2.0],\n [9.0, 10.0]]"),
    ("w[:, :1, -1:]", "[[[3.0]],\n [[15.0]]]"), ("w[0,0,9:]", "[] (shape [0])"),
    ("odd[0]", "7.0"), ("empty", "[] (shape [0, 2])"),
    ("w[0,0,-99999999999:99999999999]", "[0.0, 1.0, 2.0, 3.0]"),
  ])
  func valuesAreThoseOfNumPy(slice: String, expected: String) throws {
    #expect(try text(slice) == expected)
  }

  @Test(arguments: ["w[2]", "w[0,0,0,0]", "w[a]", "w[::0]", "w[::-1]", "v", "f4", "w[1:2:3:4]"])
  func whatIsNotThereIsRefused(slice: String) throws {
    #expect(throws: InspectionError.self) { try TensorSlice(slice, in: weights()) }
  }

  @Test func jsonIsNested() throws {
    let slice = try TensorSlice("w[:,0,:2]", in: weights())
    let json = TensorSlice.json(try slice.values(), shape: slice.shape)
    #expect(json.text == "[[0.0,1.0],[12.0,13.0]]")
  }
}
