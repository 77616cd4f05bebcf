import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import WeightDistance

@Suite struct DistanceMeasurementTests {
  /// Models of many blocks, made of few numbers: random ones take long to make.
  private func large(_ seed: UInt64) throws -> WeightMap {
    let pattern = try #require(try model(seed, sizes: [997])["layers.0.weight"]).bytes()
    return try WeightMap(
      [400, 3].enumerated().map { index, count in
        let bytes = [[UInt8]](repeating: pattern, count: count).flatMap { $0 }
        return try Tensor(
          name: "layers.\(index).weight", shape: Shape([997 * count]),
          encoding: ElementEncoding(.float32), bytes: bytes)
      })
  }

  private func model(_ seed: UInt64, sizes: [Int] = [9000, 7, 5001]) throws -> WeightMap {
    var generator = SplitMix(seed: seed)
    return try WeightMap(
      sizes.enumerated().map { index, size in
        try Tensor(
          name: "layers.\(index).weight", shape: Shape([size]),
          values: (0..<size).map { _ in Float.random(in: -1...1, using: &generator) })
      })
  }

  private func l2(_ a: WeightMap, _ b: WeightMap) throws -> Double {
    var sum: Float80 = 0
    for tensor in a.tensors {
      let other = try #require(b[tensor.info.name])
      for (x, y) in zip(try tensor.values(), try other.values()) {
        sum += Float80(x - y) * Float80(x - y)
      }
    }
    return Double(sum.squareRoot())
  }

  @Test func theDistanceIsThatOfWiderNumbers() throws {
    let (a, b) = (try model(1), try model(2))
    let expected = try l2(a, b)
    #expect((try a.distance(to: b) - expected).magnitude <= 2e-16 * expected)
  }

  @Test func threadsAndCompanyChangeNoBit() throws {
    let models = try (1...4).map { try large($0) }
    let reports = try [1, 2, 7].map { threads in
      try WeightMap.distances(among: models, stream: StreamOptions(threads: threads))
    }
    for report in reports {
      #expect(report.total.values == reports[0].total.values)
      #expect(report.spread?.distancesToMean == reports[0].spread?.distancesToMean)
    }
    #expect(
      try models[0].distance(to: models[1]) == reports[0].distance(between: 0, and: 1))
    var options = DistanceOptions()
    options.tellsTensors = true
    options.tellsLayers = true
    let detailed = try WeightMap.distances(among: models, options: options)
    #expect(detailed.total.values == reports[0].total.values)
  }

  @Test func tensorsAndLayersAddUpToTheWhole() throws {
    var options = DistanceOptions(DistanceMetrics.all.filter { !$0.needsBase })
    options.tellsTensors = true
    options.tellsLayers = true
    let report = try WeightMap.distances(among: [model(1), model(2)], options: options)
    #expect(report.tensors.map(\.name) == (0..<3).map { "layers.\($0).weight" })
    #expect(report.layers.map(\.name) == ["layers.0", "layers.1", "layers.2"])
    for groups in [report.tensors, report.layers] {
      let square = groups.reduce(0) { $0 + $1.value(ofPair: 0) * $1.value(ofPair: 0) }
      #expect((square.squareRoot() - report.distance(between: 0, and: 1)).magnitude < 1e-12)
      #expect(groups.reduce(0) { $0 + $1.parameterCount } == report.parameterCount)
    }
    let largest = try #require(report.metrics.firstIndex { $0.name == "max" })
    let place = try #require(report.total.places[0])
    let group = try #require(report.tensors.first { $0.name == place.tensor })
    #expect(
      group.value(ofPair: 0, metric: largest) == report.total.value(ofPair: 0, metric: largest))
    #expect(group.places[0] == place)
  }

  @Test func dtypesMayDiffer() throws {
    let wide = try model(3, sizes: [5000])
    let tensor = wide.tensors[0]
    let info = try TensorInfo(
      name: tensor.info.name, dtype: .bfloat16, shape: tensor.info.shape)
    let rounded = Tensor(
      info, storage: .computed(.linear(.uniform(inputCount: 1)), [tensor]))
    let narrow = try WeightMap([rounded])
    let expected = try l2(wide, narrow)
    #expect(expected > 0)
    #expect((try wide.distance(to: narrow) - expected).magnitude <= 2e-16 * expected)
  }

  @Test func theSpreadIsAboutTheMean() throws {
    let models = try [[1, 0], [3, 2], [5, -2]].map { (values: [Float]) in
      try WeightMap([Tensor(name: "w", shape: Shape([2]), values: values)])
    }
    let spread = try #require(try WeightMap.distances(among: models).spread)
    let expected = [2, 2, (8.0).squareRoot()]
    for (distance, value) in zip(spread.distancesToMean, expected) {
      #expect((distance - value).magnitude <= 4e-16 * value)
    }
    #expect((spread.normOfMean - 3).magnitude <= 4e-16 * 3)
    let meanNorm = (1 + (13.0).squareRoot() + (29.0).squareRoot()) / 3
    #expect((spread.ratio - 3 / meanNorm).magnitude < 1e-15)
  }

  @Test func theBaseGivesTaskVectors() throws {
    let vectors: [[Float]] = [[1, 0], [0, 2], [0, 0]]
    let maps = try vectors.map {
      try WeightMap([Tensor(name: "w", shape: Shape([2]), values: $0.map { $0 + 5 })])
    }
    let metrics: [any DistanceMetric.Type] = [
      L2Distance.self, TaskVectorCosine.self, TaskVectorSize.self,
    ]
    let report = try WeightMap.distances(
      among: Array(maps[..<2]), base: maps[2], options: DistanceOptions(metrics))
    #expect(report.distancesFromBase() == [1, 2])
    #expect(report.distance(between: 0, and: 1, metric: 1) == 0)
    #expect(report.distance(between: 0, and: 1, metric: 2) == 0.5)
    #expect(throws: DistanceError.self) {
      try WeightMap.distances(among: maps, options: DistanceOptions([TaskVectorCosine.self]))
    }
    let single = try WeightMap.distances(among: [maps[0]], base: maps[2])
    #expect(single.distancesFromBase() == [1])
    #expect(single.pairs.isEmpty && single.spread == nil)
  }

  @Test func whatIsNotLearnedIsLeftOut() throws {
    func map(_ offset: UInt8) throws -> WeightMap {
      try WeightMap([
        Tensor(name: "w", shape: Shape([1]), values: [Float(offset)]),
        Tensor(name: "bn.running_mean", shape: Shape([1]), values: [Float(offset)]),
        Tensor(name: "optimizer.m", shape: Shape([1]), values: [Float(offset)]),
        Tensor(
          name: "steps", shape: Shape([1]), encoding: ElementEncoding(.uint8), bytes: [offset]),
        Tensor(name: "q", shape: Shape([2]), encoding: ElementEncoding(.float4), bytes: [offset]),
      ])
    }
    let report = try WeightMap.distances(among: [map(1), map(3)])
    #expect(report.distance(between: 0, and: 1) == 2)
    #expect(report.leftOut.batchNorm == ["bn.running_mean"])
    #expect(report.leftOut.optimizer == ["optimizer.m"])
    #expect(report.leftOut.integers == ["steps"])
    #expect(report.leftOut.quantized == ["q"])
    var options = DistanceOptions()
    options.scope = .allNumbers
    let all = try WeightMap.distances(among: [map(1), map(3)], options: options)
    #expect(all.distance(between: 0, and: 1) == 4)
    #expect(all.leftOut.quantized == ["q"])
    options.include = [Glob("q")]
    let error = #expect(throws: DistanceError.self) {
      try WeightMap.distances(among: [map(1), map(3)], options: options)
    }
    #expect(error?.description.contains("1 quantised") == true)
  }

  @Test func whatIsNotFiniteIsNamedOrGoesThrough() throws {
    let maps = try [Float.nan, 1, .infinity].map {
      try WeightMap([Tensor(name: "w", shape: Shape([2]), values: [0, $0])])
    }
    let error = #expect(throws: StreamError.self) { try maps[1].distance(to: maps[0]) }
    #expect(error?.description.contains("tensor 'w': NaN at [1]") == true)
    let stream = StreamOptions(nonFinite: .allow)
    let options = DistanceOptions(DistanceMetrics.all.filter { !$0.needsBase })
    let report = try WeightMap.distances(among: maps, options: options, stream: stream)
    for metric in options.metrics.indices {
      #expect(report.distance(between: 0, and: 1, metric: metric).isNaN)
    }
    #expect(report.distance(between: 1, and: 2) == .infinity)
    #expect(report.nonFinite.count == 2)
  }

  /// Models of one tensor of float64.
  private func doubles(_ values: [Double]...) throws -> [WeightMap] {
    try values.map { values in
      let bytes = values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
      return try WeightMap([
        Tensor(
          name: "w", shape: Shape([values.count]), encoding: ElementEncoding(.float64), bytes: bytes
        )
      ])
    }
  }

  @Test(arguments: [1e200, 1e-170, 0x1p-1030])
  func squaresThatLeaveTheRangeAreSaid(size: Double) throws {
    let maps = try doubles([size, 0], [-size, size])
    let kind = size > 1 ? "too large for F64" : "too small for F64"
    for name in ["l2", "relative-l2", "rms", "cosine"] {
      let metric = try #require(DistanceMetrics.metric(named: name))
      let error = #expect(throws: DistanceError.self) {
        try WeightMap.distances(among: maps, options: DistanceOptions([metric]))
      }
      #expect(error?.description.contains(kind) == true, "\(name)")
      #expect(error?.hint?.contains("--metric l1") == true)
    }
  }

  @Test(arguments: [1e200, 1e-170, 0x1p-1030])
  func whatNeedsNoSquaresIsToldWhateverTheyDo(size: Double) throws {
    let maps = try doubles([size, 0], [-size, size])
    var options = DistanceOptions([L1Distance.self, MaximumDistance.self, SignAgreement.self])
    options.furtherMetrics = [L2Distance.self, CosineSimilarity.self]
    let report = try WeightMap.distances(among: maps, options: options)
    #expect(report.distance(between: 0, and: 1) == 3 * size)
    #expect(report.distance(between: 0, and: 1, metric: 1) == 2 * size)
    #expect(report.distance(between: 0, and: 1, metric: 2) == 0)
    #expect(report.distance(between: 0, and: 1, metric: 3).isNaN)
    #expect(report.distance(between: 0, and: 1, metric: 4).isNaN)
    #expect(report.spread == nil)
    #expect(report.undefined == ["l2", "cosine", "spread"])
    options.tellsTensors = true
    let normalized = try WeightMap.distances(among: maps, options: options)
    #expect(normalized.tensors[0].value(ofPair: 0) == 3 * size)
  }

  @Test func differencesThatOverflowAreSaid() throws {
    let maps = try doubles([1e308], [-1e308])
    for metric in [L1Distance.self, MaximumDistance.self] as [any DistanceMetric.Type] {
      let error = #expect(throws: DistanceError.self) {
        try WeightMap.distances(among: maps, options: DistanceOptions([metric]))
      }
      #expect(error?.description.contains("'w'") == true)
      #expect(error?.description.contains("differences are too large for F64") == true)
    }
    let agreement = try WeightMap.distances(
      among: maps, options: DistanceOptions([SignAgreement.self]))
    #expect(agreement.distance(between: 0, and: 1) == 0)
  }

  @Test func smallSquaresBesideOthersChangeNothing() throws {
    let maps = try doubles([3, 1e-200, 0], [0, 0, 4])
    #expect(try maps[0].distance(to: maps[1]) == 5)
    let same = try doubles([1e-200], [1e-200])
    #expect(try same[0].distance(to: same[1]) == 0)
    let zero = try doubles([0], [0])
    #expect(try zero[0].distance(to: zero[1]) == 0)
  }

  @Test func missingTensorsAreAnErrorOrLeftOut() throws {
    let (a, b) = (try model(1, sizes: [4, 5]), try model(1, sizes: [4]))
    #expect(throws: AlignmentError.self) { try a.distance(to: b) }
    var options = DistanceOptions()
    options.missing = .intersect
    let report = try WeightMap.distances(among: [a, b], options: options)
    #expect(report.leftOut.missing == ["layers.1.weight"])
    #expect(report.parameterCount == 4)
  }
}
