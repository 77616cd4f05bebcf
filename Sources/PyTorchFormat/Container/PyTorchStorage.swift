package import TensorCore

/// The bytes of tensors in a file, under a key.
package struct PyTorchStorage: Sendable {
  /// The key, which is part of the name of its member.
  package let key: String
  /// The number of bytes.
  package let byteCount: Int
  /// The device that it was on.
  package let location: String
  /// The class of the storage, by its module and name.
  let typeName: String
  /// What its elements are; nil for bytes, and for codes of a quantisation.
  let dtype: DType?
  /// The size of one element in bytes.
  let width: Int
  /// Where its bytes are.
  package internal(set) var source: any ByteSource
  /// The first byte.
  package internal(set) var offset: Int

  /// Whether the bytes are in the pickle, as those of an array of NumPy.
  package private(set) var isInPickle = false

  /// Whether elements are not told by the storage but by the tensors.
  var isUntyped: Bool { typeName == StorageType.untyped }
}

extension PyTorchStorage {
  /// The storage that the bytes of an array of NumPy would have as a tensor.
  init(array number: Int, of dtype: DType, bytes: [UInt8]) {
    let typeName = StorageType.name(of: dtype)
    self.init(
      key: "array \(number)", byteCount: bytes.count, location: "cpu",
      typeName: typeName ?? StorageType.untyped, dtype: typeName == nil ? nil : dtype,
      width: typeName == nil ? 1 : dtype.elementUnit, source: MemoryBytes(bytes), offset: 0)
    isInPickle = true
  }
}

extension [UInt8] {
  /// Reverses groups of bytes.
  mutating func reverseGroups(of width: Int) {
    for start in stride(from: 0, to: count - width + 1, by: width) {
      self[start..<start + width].reverse()
    }
  }
}

/// The classes of storages.
enum StorageType {
  static let untyped = "torch.storage.UntypedStorage"

  /// What the elements of a class are; the dtype is nil for codes of a quantisation.
  static func elements(_ typeName: String) -> (dtype: DType?, width: Int)? {
    guard typeName.hasSuffix("Storage") else { return nil }
    if typeName == untyped { return (nil, 1) }
    let prefixes = ["torch.cuda.", "torch."]
    guard let prefix = prefixes.first(where: { typeName.hasPrefix($0) }) else { return nil }
    let name = String(typeName.dropFirst(prefix.count).dropLast("Storage".count))
    if let dtype = dtypes[name] { return (dtype, dtype.elementUnit) }
    return quantizedWidths[name].map { (nil, $0) }
  }

  /// The class that holds a dtype; nil when only an untyped storage can.
  static func name(of dtype: DType) -> String? {
    dtypes.first { $0.value == dtype }.map { "torch.\($0.key)Storage" }
  }

  private static let dtypes: [String: DType] = [
    "Double": .float64, "Float": .float32, "Half": .float16, "BFloat16": .bfloat16,
    "Long": .int64, "Int": .int32, "Short": .int16, "Char": .int8, "Byte": .uint8, "Bool": .bool,
    "ComplexFloat": .complex64, "ComplexDouble": .complex128,
  ]

  private static let quantizedWidths = [
    "QInt8": 1, "QUInt8": 1, "QInt32": 4, "QUInt4x2": 1, "QUInt2x4": 1,
  ]
}

/// PyTorch's names of dtypes.
package enum TorchDType {
  /// What a name such as `torch.float8_e4m3fn` means; nil for what has no counterpart.
  static func dtype(named name: String) -> DType? {
    guard name.hasPrefix("torch.") else { return nil }
    return names[String(name.dropFirst("torch.".count))]
  }

  /// The name of a dtype without its module; nil when PyTorch has none.
  static func name(of dtype: DType) -> String? { names.first { $0.value == dtype }?.key }

  /// Whether PyTorch has a dtype.
  package static func canStore(_ dtype: DType) -> Bool { name(of: dtype) != nil }

  private static let names: [String: DType] = [
    "float64": .float64, "float32": .float32, "float16": .float16, "bfloat16": .bfloat16,
    "int64": .int64, "int32": .int32, "int16": .int16, "int8": .int8, "uint8": .uint8,
    "uint16": .uint16, "uint32": .uint32, "uint64": .uint64, "bool": .bool,
    "complex64": .complex64, "complex128": .complex128, "float8_e4m3fn": .float8E4M3,
    "float8_e5m2": .float8E5M2, "float8_e4m3fnuz": .float8E4M3FNUZ,
    "float8_e5m2fnuz": .float8E5M2FNUZ, "float8_e8m0fnu": .float8E8M0,
    "float4_e2m1fn_x2": .float4,
  ]
}
