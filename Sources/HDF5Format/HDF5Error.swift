public import TensorCore

/// An HDF5 file that cannot be used.
public struct HDF5Error: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    case damaged
    case tooNew
    case refused
    case outOfLimits
    case stalled
    case interrupted(signal: Int32)
    case system
  }

  /// The reason.
  public let code: Code
  /// The sentence, without the file.
  public let description: String
  /// The way out.
  public let hint: String?

  /// The number of the system's error, when a call failed.
  public let systemError: Int32?

  init(
    _ code: Code, _ description: String, hint: String? = nil, systemError: Int32? = nil
  ) {
    self.systemError = systemError
    self.code = code
    self.description = description
    self.hint = hint
  }

  /// Damage and what is not read are bad input; failing system calls are not.
  public var kind: FailureKind {
    switch code {
    case .damaged, .tooNew, .refused, .outOfLimits, .stalled: .badInput
    case .interrupted(let signal): .interrupted(signal: signal)
    case .system: .inputOutput
    }
  }

  /// How to write a file anew for all versions of HDF5, with what those have who wrote it.
  ///
  /// (h5repack cannot lower the versions of types and layouts.)
  public static func rewritingHint(of file: String) -> String {
    """
    h5py writes it anew: python -c "import h5py; a, b = h5py.File('\(file)'), h5py.File('old.h5', 'w', \
    libver=('earliest', 'v110')); n = ['/']; a.visit(n.append); [(b.create_dataset(i, data=a[i][()]) \
    if isinstance(a[i], h5py.Dataset) else b.require_group(i)).attrs.update(a[i].attrs) for i in n]"
    """
  }

  static func message(_ reason: String) -> HDF5Error {
    HDF5Error(.damaged, "damaged HDF5 file: the catalogue makes no sense: \(reason)")
  }

  static func damagedChunk(_ reason: String) -> HDF5Error {
    HDF5Error(
      .damaged, "damaged chunk: \(reason)",
      hint: "the file is incomplete or damaged: download or copy it again, and compare its size")
  }
}
