import TensorCore

/// The sums that some metrics need, and where each stands among the terms of the reduction.
struct DistanceTerms: Sendable {
  /// The places of the sums of a pair; nil for what is not asked for.
  struct Pair: Sendable {
    let a: Int
    let b: Int
    var squaredDifferences = 0
    var products: Int?
    var absoluteDifferences: Int?
    var largestDifference: Int?
    var signDifferences: Int?
    var taskProducts: Int?
  }

  /// The places of the sums of a model; nil for what is not asked for.
  struct Model: Sendable {
    var squares: Int?
    var magnitudes: Int?
    var largestMagnitude: Int?
    var squaredTask: Int?
  }

  /// The places of the sums for the spread of the models.
  struct Spread: Sendable {
    /// Σ (x − mean)² of each model.
    var squaredDeviations: [Int] = []
    var squaredMean = 0
  }

  /// The pairs of models in their order: 0–1, 0–2, …; then each model and the base.
  private(set) var pairs: [Pair] = []
  private(set) var models: [Model] = []
  private(set) var spread: Spread?
  private(set) var terms: [PairReduction.Term] = []

  private var places: [PairReduction.Term: Int] = [:]

  /// - Parameter baseIndex: the number of models, when a base follows them; else nil.
  init(modelCount: Int, baseIndex: Int?, options: DistanceOptions) {
    let inputCount = modelCount + (baseIndex == nil ? 0 : 1)
    let quantities = options.metrics.reduce(into: Set<DistanceQuantity>()) {
      $0.formUnion($1.quantities)
      if options.isNormalized, let size = $1.sizeQuantity { $0.insert(size) }
    }
    let measuresSpread = options.measuresSpread && modelCount > 1
    for model in 0..<inputCount {
      let isBase = model == baseIndex
      models.append(
        makeModel(model, quantities, base: isBase ? nil : baseIndex, measuresSpread && !isBase))
    }
    for a in 0..<modelCount {
      for b in a + 1..<max(a + 1, modelCount) {
        pairs.append(makePair(a, b, quantities, base: baseIndex))
      }
    }
    if let baseIndex {
      for model in 0..<modelCount {
        pairs.append(makePair(model, baseIndex, quantities, base: nil))
      }
    }
    if measuresSpread {
      let mean = PairReduction.Operand.mean(0..<modelCount)
      spread = Spread(
        squaredDeviations: (0..<modelCount).map { add(.squaredDifferences, .input($0), mean) },
        squaredMean: add(.products, mean, mean))
    }
  }

  private mutating func makeModel(
    _ model: Int, _ quantities: Set<DistanceQuantity>, base: Int?, _ measuresSpread: Bool
  ) -> Model {
    let operand = PairReduction.Operand.input(model)
    var places = Model()
    if quantities.contains(.squares) || measuresSpread {
      places.squares = add(.products, operand, operand)
    }
    if quantities.contains(.magnitudes) {
      places.magnitudes = add(.absoluteDifferences, operand, .zero)
    }
    if quantities.contains(.largestMagnitude) {
      places.largestMagnitude = add(.largestDifference, operand, .zero)
    }
    if let base { places.squaredTask = add(.squaredDifferences, operand, .input(base)) }
    return places
  }

  private mutating func makePair(
    _ a: Int, _ b: Int, _ quantities: Set<DistanceQuantity>, base: Int?
  ) -> Pair {
    let (left, right) = (PairReduction.Operand.input(a), PairReduction.Operand.input(b))
    var pair = Pair(a: a, b: b)
    pair.squaredDifferences = add(.squaredDifferences, left, right)
    if quantities.contains(.products) { pair.products = add(.products, left, right) }
    if quantities.contains(.absoluteDifferences) {
      pair.absoluteDifferences = add(.absoluteDifferences, left, right)
    }
    if quantities.contains(.largestDifference) {
      pair.largestDifference = add(.largestDifference, left, right)
    }
    if quantities.contains(.signDifferences) {
      pair.signDifferences = add(.signDifferences, left, right)
    }
    if quantities.contains(.taskProducts), let base {
      pair.taskProducts = add(.products, .difference(a, base), .difference(b, base))
    }
    return pair
  }

  /// The place of a term, which is added when it is not there yet.
  private mutating func add(
    _ quantity: PairReduction.Quantity, _ left: PairReduction.Operand,
    _ right: PairReduction.Operand
  ) -> Int {
    let term = PairReduction.Term(quantity, left, right)
    if let known = places[term] { return known }
    places[term] = terms.count
    terms.append(term)
    return terms.count - 1
  }
}

extension DistanceTerms {
  /// What the sums say of a pair.
  func quantities(of pair: Pair, in sums: [Double], parameterCount: Int) -> PairQuantities {
    var result = PairQuantities()
    result.a = quantities(of: models[pair.a], in: sums, parameterCount)
    result.b = quantities(of: models[pair.b], in: sums, parameterCount)
    result.squaredDifferences = sums[pair.squaredDifferences]
    if let place = pair.products { result.products = sums[place] }
    if let place = pair.absoluteDifferences { result.absoluteDifferences = sums[place] }
    if let place = pair.largestDifference { result.largestDifference = sums[place] }
    if let place = pair.signDifferences { result.signDifferences = sums[place] }
    if let place = pair.taskProducts { result.taskProducts = sums[place] }
    return result
  }

  private func quantities(of model: Model, in sums: [Double], _ parameterCount: Int)
    -> ModelQuantities
  {
    var result = ModelQuantities()
    result.parameterCount = parameterCount
    if let place = model.squares { result.squares = sums[place] }
    if let place = model.magnitudes { result.magnitudes = sums[place] }
    if let place = model.largestMagnitude { result.largestMagnitude = sums[place] }
    if let place = model.squaredTask { result.squaredTask = sums[place] }
    return result
  }
}
