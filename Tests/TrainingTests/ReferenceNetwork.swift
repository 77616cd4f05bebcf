import Foundation
import TensorCore

@testable import Training

/// The definitions of layers and losses in float64, sample by sample, without any of the trainer's code.
struct ReferenceNetwork {
  /// The values by tensor name.
  var values: [String: [Double]] = [:]
  private var shapes: [String: [Int]] = [:]

  /// Takes the values of a model.
  init(_ model: Model) throws {
    for tensor in model.weights.tensors where tensor.info.dtype == .float32 {
      values[tensor.info.name] = try tensor.values()
      shapes[tensor.info.name] = tensor.info.shape.dimensions
    }
  }

  private subscript(name: String) -> [Double] { values[name] ?? [] }

  private var hasBatchNorm: Bool { values["layers.1.running_mean"] != nil }

  /// The logits of a batch, with the statistics of the batch or the running ones.
  func logits(_ samples: [[Double]], isTraining: Bool) -> [[Double]] {
    var rows = samples
    var module = 0
    while let weight = values["layers.\(module).weight"] {
      let bias = self["layers.\(module).bias"]
      rows = rows.map { row in
        bias.indices.map { unit in
          row.indices.reduce(bias[unit]) { $0 + weight[unit * row.count + $1] * row[$1] }
        }
      }
      module += 1
      let next = module + (hasBatchNorm ? 2 : 1)
      guard values["layers.\(next).weight"] != nil else { break }
      if hasBatchNorm { rows = normalized(rows, "layers.\(module)", isTraining: isTraining) }
      rows = rows.map { $0.map { max($0, 0) } }
      module = next
    }
    return rows
  }

  private func normalized(_ rows: [[Double]], _ name: String, isTraining: Bool) -> [[Double]] {
    let scale = self["\(name).weight"]
    let shift = self["\(name).bias"]
    let (mean, variance) =
      isTraining
      ? moments(of: rows) : (self["\(name).running_mean"], self["\(name).running_var"])
    return rows.map { row in
      row.indices.map { column in
        (row[column] - mean[column]) / sqrt(variance[column] + 1e-5) * scale[column] + shift[column]
      }
    }
  }

  /// The mean and the biased variance of each column.
  func moments(of rows: [[Double]]) -> (mean: [Double], variance: [Double]) {
    let count = Double(rows.count)
    let mean = rows[0].indices.map { column in rows.reduce(0) { $0 + $1[column] } / count }
    let variance = rows[0].indices.map { column in
      rows.reduce(0) { $0 + pow($1[column] - mean[column], 2) } / count
    }
    return (mean, variance)
  }

  /// The inputs of the first layer of batch normalisation.
  func firstLayer(_ samples: [[Double]]) -> [[Double]] {
    let weight = self["layers.0.weight"]
    let bias = self["layers.0.bias"]
    return samples.map { row in
      bias.indices.map { unit in
        row.indices.reduce(bias[unit]) { $0 + weight[unit * row.count + $1] * row[$1] }
      }
    }
  }

  /// The mean loss of a batch, as the papers define it.
  static func loss(
    _ loss: LossFunction, logits: [[Double]], labels: [Int], classSizes: [Double]
  ) -> Double {
    let total = classSizes.reduce(0, +)
    var sum = 0.0
    var weights = 0.0
    for (row, label) in zip(logits, labels) {
      var row = row
      var weight = 1.0
      switch loss {
      case .crossEntropy, .focal: break
      case .classWeighted(let power): weight = pow(classSizes[label], -power)
      case .logitAdjusted(let temperature):
        for index in row.indices { row[index] += temperature * log(classSizes[index] / total) }
      case .balancedSoftmax:
        for index in row.indices { row[index] += log(classSizes[index]) }
      case .ldam(let margin, let scale):
        let smallest = classSizes.min() ?? 1
        row[label] -= margin * pow(smallest / classSizes[label], 0.25)
        row = row.map { $0 * scale }
      }
      let probability = exp(row[label]) / row.reduce(0) { $0 + exp($1) }
      var value = -log(probability)
      if case .focal(let focus) = loss { value *= pow(1 - probability, focus) }
      sum += weight * value
      weights += weight
    }
    return sum / weights
  }
}
