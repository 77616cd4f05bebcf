import Checkpoints
import TensorCore
import WeightAveraging

// The lines of the README.
let maps = try ["a", "b"].map { name in
  try WeightMap(contentsOf: "fixtures/safetensors/mlp_s\(name == "a" ? 1 : 2).safetensors")
}
let average = try WeightMap.average(of: maps, weights: [0.7, 0.3])
let output = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "average.safetensors"
try average.write(to: output, existing: .replace)
print("wrote \(average.count) tensors to \(output)")

let ema = try average.merge(maps[1], decay: 0.999)
guard let first = try ema.tensors.first?.values().first, first.isFinite else {
  fatalError("the moving average has no values")
}
