/// What the values of a tensor mean, apart from how a file stores them.
///
/// The cases are the 22 dtypes of safetensors 0.8 and complex numbers of two float64. The raw value is
/// the name in a safetensors header.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case bool = "BOOL"
  case float4 = "F4"
  case float6E2M3 = "F6_E2M3"
  case float6E3M2 = "F6_E3M2"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case float8E8M0 = "F8_E8M0"
  case float8E4M3FNUZ = "F8_E4M3FNUZ"
  case float8E5M2FNUZ = "F8_E5M2FNUZ"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case complex64 = "C64"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"
  case complex128 = "C128"

  /// How the values take part in an average.
  public enum Kind: Sendable, Hashable {
    /// Real numbers that are averaged.
    case floating
    /// Pairs of real numbers that are averaged part by part.
    case complex
    /// Whole numbers: copied, never averaged.
    case integer
    /// Truth values: copied, never averaged.
    case boolean
    /// Codes of a quantisation or of a format without arithmetic: copied when equal, else refused.
    case packed
  }

  /// The size of one element in bits; less than 8 for packed floats.
  public var bitWidth: Int {
    switch self {
    case .float4: 4
    case .float6E2M3, .float6E3M2: 6
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ,
      .float8E5M2FNUZ:
      8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .complex64, .float64, .int64, .uint64: 64
    case .complex128: 128
    }
  }

  /// How the values take part in an average.
  public var kind: Kind {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2: .floating
    case .complex64, .complex128: .complex
    case .bool: .boolean
    case .uint8, .int8, .int16, .uint16, .int32, .uint32, .int64, .uint64: .integer
    case .float4, .float6E2M3, .float6E3M2, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ: .packed
    }
  }

  /// Whether values of this dtype are averaged: real and complex floating point.
  public var isAveraged: Bool { kind == .floating || kind == .complex }

  /// The smallest number of bytes that can be processed alone: one element, one byte of packed data.
  public var elementUnit: Int { max(1, bitWidth / 8) }

  /// Half the distance from 1 to the next number; 0 for what is not rounded.
  public var unitRoundoff: Double {
    switch self {
    case .float64, .complex128: 0x1p-53
    case .float32, .complex64: 0x1p-24
    case .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    case .float8E4M3, .float8E4M3FNUZ: 0x1p-4
    case .float8E5M2, .float8E5M2FNUZ: 0x1p-3
    default: 0
    }
  }
}
