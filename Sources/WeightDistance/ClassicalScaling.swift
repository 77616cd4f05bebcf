/// Points in a plane whose distances are as near to given ones as a plane allows: classical
/// multidimensional scaling.
///
/// The squared distances are centred in both directions, and the two eigenvectors of the largest eigenvalues
/// are the coordinates (Torgerson 1952, "Multidimensional scaling: I. Theory and method"). The signs of the
/// axes, which are free, are such that the coordinate of the largest magnitude is positive.
public struct ClassicalScaling: Sendable {
  /// A place in the plane.
  public struct Point: Sendable, Hashable {
    /// Along the direction in which the points differ most.
    public let x: Double
    /// Along the next one.
    public let y: Double
  }

  /// The points in the order of the distances.
  public let points: [Point]
  /// How much of the squared distances each axis shows, from 0 to 1.
  public let shares: [Double]

  /// Places points.
  ///
  /// - Parameter distances: a symmetric matrix with zeros on its diagonal. When one is not finite, all points
  ///   are at NaN.
  public init(_ distances: [[Double]]) {
    let count = distances.count
    guard distances.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      points = distances.map { _ in Point(x: .nan, y: .nan) }
      shares = [.nan, .nan]
      return
    }
    // Squares of very small or large distances leave the range of float64: those near one do not.
    let largest = distances.joined().max() ?? 0
    let isUsual = largest == 0 || (0x1p-400...0x1p400).contains(largest)
    let unit = isUsual ? 1 : Double(sign: .plus, exponent: largest.exponent, significand: 1)
    let squares = distances.map { $0.map { ($0 / unit) * ($0 / unit) } }
    let means = squares.map { $0.reduce(0, +) / Double(count) }
    let mean = means.reduce(0, +) / Double(count)
    let centred = (0..<count).map { row in
      (0..<count).map { -0.5 * (squares[row][$0] - means[row] - means[$0] + mean) }
    }
    let (values, vectors) = SymmetricEigenvalues.largestFirst(centred)
    // Distances that no space has give negative eigenvalues, which no axis can show.
    let sum = values.reduce(0) { $0 + max($1, 0) }
    let axes = (0..<2).map { axis -> [Double] in
      guard axis < count, values[axis] > 1e-14 * sum else {
        return Array(repeating: 0, count: count)
      }
      let length = values[axis].squareRoot()
      let largest = vectors[axis].max { $0.magnitude < $1.magnitude } ?? 1
      return vectors[axis].map { $0 * (largest < 0 ? -length : length) }
    }
    points = zip(axes[0], axes[1]).map { Point(x: $0 * unit, y: $1 * unit) }
    shares = (0..<2).map { axis in
      axis < count && sum > 0 ? max(values[axis], 0) / sum : 0
    }
  }
}

/// Eigenvalues and eigenvectors of small symmetric matrices by Jacobi's rotations.
enum SymmetricEigenvalues {
  /// The eigenvalues in descending order, and their unit eigenvectors.
  static func largestFirst(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
    let count = matrix.count
    var matrix = matrix
    var vectors = (0..<count).map { row in (0..<count).map { row == $0 ? 1.0 : 0.0 } }
    let largest = matrix.flatMap { $0.map(\.magnitude) }.max() ?? 0
    // Each sweep makes the rest quadratically smaller: ten are more than enough.
    for _ in 0..<30 {
      var isDone = true
      for p in 0..<count {
        for q in 0..<p where matrix[p][q].magnitude > 1e-17 * largest {
          isDone = false
          rotate(&matrix, &vectors, q, p)
        }
      }
      if isDone { break }
    }
    let order = (0..<count).sorted { (matrix[$1][$1], $0) < (matrix[$0][$0], $1) }
    return (order.map { matrix[$0][$0] }, order.map { vectors[$0] })
  }

  /// Makes the element at `p`, `q` zero; the rows of `vectors` become the eigenvectors.
  private static func rotate(
    _ matrix: inout [[Double]], _ vectors: inout [[Double]], _ p: Int, _ q: Int
  ) {
    let ratio = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q])
    let tangent =
      (ratio < 0 ? -1 : 1) / (ratio.magnitude + (ratio * ratio + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot()
    let sine = tangent * cosine
    for index in matrix.indices {
      let (left, right) = (matrix[index][p], matrix[index][q])
      matrix[index][p] = cosine * left - sine * right
      matrix[index][q] = sine * left + cosine * right
    }
    for index in matrix.indices {
      let (left, right) = (matrix[p][index], matrix[q][index])
      matrix[p][index] = cosine * left - sine * right
      matrix[q][index] = sine * left + cosine * right
      let (first, second) = (vectors[p][index], vectors[q][index])
      vectors[p][index] = cosine * first - sine * second
      vectors[q][index] = sine * first + cosine * second
    }
  }
}
