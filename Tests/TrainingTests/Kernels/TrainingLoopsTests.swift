import CTensorKernels
import CTrainingKernels
import Foundation
import Testing

@testable import Training

/// Every instruction set gives the same bits, and the portable loops the right ones.
@Suite struct TrainingLoopsTests {
  static let paths = [IMWA_PATH_AVX2, IMWA_PATH_AVX512]
  private static let shape = (rows: 7, width: 32, classes: 21)

  private static func random(_ count: Int, seed: UInt64, scale: Float = 1) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    var random = RandomNumbers(seed: seed, purpose: .noiseTable)
    random.fillNormal(buffer, 0..<count)
    buffer.scale(0..<count, by: scale)
    return buffer
  }

  /// Runs all loops once and returns all they wrote.
  private static func results(_ loops: TrainingLoops) -> [UInt32] {
    let (rowCount, width, classCount) = shape
    func rows(_ buffer: FloatBuffer) -> TrainingLoops.Rows {
      TrainingLoops.Rows(buffer: buffer, count: rowCount, stride: width)
    }
    func columns(_ buffer: FloatBuffer) -> TrainingLoops.Columns {
      TrainingLoops.Columns(buffer: buffer, offset: 0)
    }
    let count = rowCount * width
    var written: [FloatBuffer] = []
    let gathered = FloatBuffer(count: count)
    loops.gather(
      [3, 1, 6, 0, 0, 2, 5], of: rows(random(count, seed: 1)),
      noise: TrainingLoops.Noise(table: random(200, seed: 2), deviation: 0.3),
      noiseOffsets: [1, 7, 13, 100, 3, 2, 168], into: rows(gathered))
    written.append(gathered)
    let activations = FloatBuffer(copying: gathered)
    loops.addBias(columns(random(width, seed: 3)), to: rows(activations), rectifying: true)
    let gradient = random(count, seed: 4)
    loops.rectify(rows(gradient), where: rows(activations))
    let sums = FloatBuffer(count: width)
    loops.sumColumns(of: rows(gradient), into: columns(sums))
    written += [activations, gradient, sums]

    let values = random(4 * width, seed: 5, scale: 0.1)
    for index in 0..<width { values[3 * width + index] = 1 + Float(index) / 8 }
    let norm = TrainingLoops.BatchNorm(
      values: values,
      places: ParameterLayout.BatchNorm(
        scale: 0, shift: width, runningMean: 2 * width, runningVariance: 3 * width, counterName: "")
    )
    let normalized = FloatBuffer(count: count)
    let deviations = FloatBuffer(count: width)
    let batch = random(count, seed: 6, scale: 3)
    loops.normalize(
      rows(batch), by: norm, keeping: rows(normalized), inverseDeviation: columns(deviations))
    let slope = random(count, seed: 7)
    let scaleGradient = FloatBuffer(count: width)
    let shiftGradient = FloatBuffer(count: width)
    loops.normalizeGradient(
      rows(slope), scale: columns(values), normalized: rows(normalized),
      inverseDeviation: columns(deviations), scaleGradient: columns(scaleGradient),
      shiftGradient: columns(shiftGradient))
    let predicted = random(count, seed: 8)
    loops.normalize(rows(predicted), byRunning: norm)
    written += [
      batch, normalized, deviations, slope, scaleGradient, shiftGradient, values, predicted,
    ]

    var losses: [Double] = []
    for name in ["logit-adjusted:1", "focal:1.5", "ldam:0.5,4", "class-weighted:1"] {
      let terms = LossTerms(
        (try? LossFunction(described: name)) ?? .crossEntropy,
        classSizes: (0..<classCount).map { 3 + $0 * 5 })
      let logits = random(count, seed: 9, scale: 4)
      losses.append(loops.loss(terms, logits: rows(logits), labels: [0, 5, 20, 3, 3, 9, 1]))
      written.append(logits)
    }
    let probabilities = random(count, seed: 10, scale: 20)
    loops.softmax(rows(probabilities), classCount: classCount)
    let moments = (random(count, seed: 12), FloatBuffer(count: count))
    let trained = random(count, seed: 11)
    loops.step(
      imwa_sgd(learning_rate: 0.1, weight_decay: 0.01, momentum: 0.9, is_nesterov: true),
      values: trained, gradient: gradient, velocity: moments.0, count: count)
    loops.step(
      imwa_adamw(
        learning_rate: 0.1, weight_decay: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8,
        correction1: 0.1, correction2: 0.01),
      values: trained, gradient: gradient, firstMoment: moments.0, secondMoment: moments.1,
      count: count)
    let average = random(count, seed: 13)
    loops.update(average, with: trained, decay: 0.9)
    written += [probabilities, moments.0, moments.1, trained, average]
    return written.flatMap { $0.values(in: 0..<$0.count).map(\.bitPattern) }
      + losses.flatMap { [UInt32($0.bitPattern >> 32), UInt32(truncatingIfNeeded: $0.bitPattern)] }
  }

  @Test func allPathsGiveTheSameBits() {
    let expected = Self.results(TrainingLoops(IMWA_PATH_PORTABLE))
    #expect(expected.allSatisfy { Float(bitPattern: $0).isNaN == false })
    for path in Self.paths { #expect(Self.results(TrainingLoops(path)) == expected) }
  }

  @Test func probabilitiesAreExact() {
    let logits = FloatBuffer(count: 32)
    for (label, value) in [-200, -100, -86.9, -20.5, -3, -1.25, -0.001, 0].enumerated() {
      logits[label] = Float(value)
    }
    let exponentials = (0..<8).map { Foundation.exp(Double(logits[$0])) }
    let sum = exponentials.reduce(0, +)
    TrainingLoops().softmax(TrainingLoops.Rows(buffer: logits, count: 1, stride: 16), classCount: 8)
    for label in 0..<8 {
      let expected = exponentials[label] / sum
      let error = abs(Double(logits[label]) - expected)
      #expect(error <= 3e-7 * expected || expected < 1e-37)
    }
    #expect(logits.values(in: 8..<16).allSatisfy { $0 == 0 })
  }

  @Test func logarithmsAndExponentialsAreThoseOfTheLibrary() {
    for exponent in -300...300 {
      let value = Foundation.pow(1.07, Double(exponent)) * 1.234
      #expect(abs(imwa_logarithm(value) - Foundation.log(value)) <= 1e-15 * max(1, abs(log(value))))
      let power = Double(exponent) / 1.7
      #expect(abs(imwa_exponential(power) / Foundation.exp(power) - 1) < 1e-13)
    }
  }

  @Test func normalNumbersAreNormal() {
    let values = Self.random(40_000, seed: 5).values(in: 0..<40_000).map(Double.init)
    let moments = (1...4).map { power in
      values.reduce(0) { $0 + pow($1, Double(power)) } / Double(values.count)
    }
    #expect(abs(moments[0]) < 0.02 && abs(moments[1] - 1) < 0.03)
    #expect(abs(moments[2]) < 0.06 && abs(moments[3] - 3) < 0.2)
    #expect(values.contains { $0 > 3.5 } && values.contains { $0 < -3.5 })
  }

  @Test func matrixProductsAreSumsOfProducts() {
    let left = Self.random(5 * 16, seed: 1)
    let right = Self.random(16 * 16, seed: 2)
    let product = FloatBuffer(count: 7 * 16)
    MatrixProducts.multiply(
      MatrixProducts.Matrix(buffer: left, rows: 5, columns: 7, stride: 16).transposed,
      MatrixProducts.Matrix(buffer: right, offset: 2, rows: 9, columns: 5, stride: 16).transposed,
      into: MatrixProducts.Matrix(buffer: product, rows: 7, columns: 9, stride: 16))
    for row in 0..<7 {
      for column in 0..<16 {
        let expected = (0..<5).reduce(Float(0)) {
          $0 + (column < 9 ? left[$1 * 16 + row] * right[2 + column * 16 + $1] : 0)
        }
        #expect(abs(product[row * 16 + column] - expected) < 1e-5)
      }
    }
  }
}
