import TensorCore

/// The sums that some metrics need, and where each stands among the terms of the reduction.
struct DistanceTerms: Sendable {
  /// The places of the sums of a pair; nil for what is not asked for.
  struct Pair: Sendable {
    let a: Int
    let b: Int
    /// Always there: a value that is not finite makes it so.
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
    /// Σ x² of each model.
    var squares: [Int] = []

    /// All of them.
    var all: [Int] { squaredDeviations + [squaredMean] + squares }
  }

  /// The pairs of models in their order: 0–1, 0–2, …; then each model and the base.
  private(set) var pairs: [Pair] = []
  private(set) var models: [Model] = []
  private(set) var spread: Spread?
  private(set) var terms: [PairReduction.Term] = []

  /// For each pair and each metric the places of the sums that it is made of.
  private(set) var ofMetrics: [[[Int]]] = []
  /// Where Σ |x − y| is, for the place of a Σ (x − y)² of float64: it tells whether all differences are zero.
  private(set) var magnitudes: [Int: Int] = [:]

  private var places: [PairReduction.Term: Int] = [:]

  /// - Parameters:
  ///   - baseIndex: the number of models, when a base follows them; else nil.
  ///   - hasDoubles: whether a tensor has values whose squares float64 may not hold.
  init(modelCount: Int, baseIndex: Int?, hasDoubles: Bool, options: DistanceOptions) {
    let inputCount = modelCount + (baseIndex == nil ? 0 : 1)
    let quantitiesOfMetrics = options.allMetrics.map { metric in
      let size = options.isNormalized ? metric.sizeQuantity : nil
      return metric.quantities.union(size.map { [$0] } ?? [])
    }
    let quantities = quantitiesOfMetrics.reduce(into: Set()) { $0.formUnion($1) }
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
        squaredMean: add(.products, mean, mean),
        squares: models[..<modelCount].compactMap(\.squares))
    }
    ofMetrics = pairs.map { pair in
      quantitiesOfMetrics.map { $0.flatMap { places(of: $0, pair) } }
    }
    if hasDoubles { addMagnitudes() }
  }

  /// The places of the sums of a quantity for a pair and its models; none for what a pair with the base lacks.
  private func places(of quantity: DistanceQuantity, _ pair: Pair) -> [Int] {
    let models = [models[pair.a], models[pair.b]]
    let places: [Int?] =
      switch quantity {
      case .squaredDifferences: [pair.squaredDifferences]
      case .products: [pair.products]
      case .squares: models.map(\.squares)
      case .absoluteDifferences: [pair.absoluteDifferences]
      case .magnitudes: models.map(\.magnitudes)
      case .largestDifference: [pair.largestDifference]
      case .largestMagnitude: models.map(\.largestMagnitude)
      case .signDifferences: [pair.signDifferences]
      case .taskProducts: [pair.taskProducts]
      case .squaredTask: models.map(\.squaredTask)
      }
    return places.compactMap { $0 }
  }

  private mutating func addMagnitudes() {
    let asked = Set(ofMetrics.joined().joined()).union(spread?.all ?? [])
    for place in asked.sorted() {
      let term = terms[place]
      if term.quantity == .squaredDifferences {
        magnitudes[place] = add(.absoluteDifferences, term.left, term.right)
      } else if term.quantity == .products, term.left == term.right {
        magnitudes[place] = add(.absoluteDifferences, term.left, .zero)
      }
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
    if let base, quantities.contains(.squaredTask) {
      places.squaredTask = add(.squaredDifferences, operand, .input(base))
    }
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
  /// Squares of so much are exact enough: so many could be lost beside it that no model has them.
  private static let smallestSquares = 0x1p-980

  /// The places of sums that cannot be told from others in float64: too large, or made of squares that were lost.
  ///
  /// - Parameter judgesLarge: whether infinite sums count; not where the values themselves may be infinite.
  func outOfRange(_ sums: [Double], judgesLarge: Bool) -> Set<Int> {
    var found: Set<Int> = []
    if judgesLarge { found = Set(sums.indices.filter { !sums[$0].isFinite }) }
    for (place, magnitude) in magnitudes
    where sums[place] < DistanceTerms.smallestSquares && sums[magnitude] > 0 {
      found.insert(place)
    }
    return found
  }

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
