import CTrainingKernels

/// The matrix library, OpenBLAS, on one thread.
public enum MatrixProducts {
  /// The name of the kernels in use, which the processor decides unless `OPENBLAS_CORETYPE` does.
  ///
  /// Training gives the same bits where these are the same.
  public static let kernels: String = unsafe String(cString: imwa_matrix_kernels())

  /// A matrix in a buffer, row by row.
  struct Matrix {
    let buffer: FloatBuffer
    var offset = 0
    let rows: Int
    let columns: Int
    /// The distance of rows.
    let stride: Int
    var isTransposed = false

    var transposed: Matrix {
      var copy = self
      copy.isTransposed = !isTransposed
      return copy
    }

    var outerCount: Int { isTransposed ? columns : rows }
    var innerCount: Int { isTransposed ? rows : columns }

    fileprivate var range: Range<Int> {
      offset..<offset + (rows == 0 ? 0 : (rows - 1) * stride + columns)
    }
  }

  /// product = left · right.
  static func multiply(_ left: Matrix, _ right: Matrix, into product: Matrix) {
    precondition(left.innerCount == right.outerCount, "matrices do not fit together")
    precondition(product.rows == left.outerCount && product.columns == right.innerCount)
    precondition(!product.isTransposed && left.columns <= left.stride)
    precondition(right.columns <= right.stride && product.columns <= product.stride)
    unsafe imwa_matrix_product(
      left.buffer.pointer(to: left.range), left.stride, left.isTransposed,
      right.buffer.pointer(to: right.range), right.stride, right.isTransposed,
      product.buffer.pointer(to: product.range), product.stride,
      product.rows, product.columns, left.innerCount)
  }
}
