import CTensorKernels

/// Which machine instructions the kernels use; every path gives the same bits.
public enum ProcessorPath: Sendable, Hashable, CaseIterable {
  case portable
  case avx2
  case avx512

  /// The fastest path of this processor.
  public static let best: ProcessorPath = ProcessorPath(imwa_best_path())

  /// The paths that this processor can take.
  public static var available: [ProcessorPath] {
    allCases.filter { imwa_path_is_available($0.kernelPath) }
  }

  init(_ path: imwa_processor_path) {
    switch path {
    case IMWA_PATH_AVX512: self = .avx512
    case IMWA_PATH_AVX2: self = .avx2
    default: self = .portable
    }
  }

  var kernelPath: imwa_processor_path {
    switch self {
    case .portable: IMWA_PATH_PORTABLE
    case .avx2: IMWA_PATH_AVX2
    case .avx512: IMWA_PATH_AVX512
    }
  }
}
