import Foundation

/// A plain writer and reader of safetensors files that shares no code with the toolkit.
public enum SafetensorsFile {
  /// A tensor with its bytes.
  public struct Entry {
    /// The name.
    public var name: String
    /// The dtype as the format names it.
    public var dtype: String
    /// The extents.
    public var shape: [Int]
    /// The values.
    public var bytes: [UInt8]

    /// Describes a tensor.
    public init(_ name: String, _ dtype: String, _ shape: [Int], _ bytes: [UInt8]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.bytes = bytes
    }

    /// A tensor of F32 values.
    public init(_ name: String, _ values: [Float], shape: [Int]? = nil) {
      self.init(
        name, "F32", shape ?? [values.count],
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
      )
    }
  }

  /// The bytes of a file.
  public static func encode(_ entries: [Entry], metadata: [String: String]? = nil) -> [UInt8] {
    var parts: [String] = []
    if let metadata {
      let pairs = metadata.sorted { $0.key < $1.key }.map {
        "\(quoted($0.key)):\(quoted($0.value))"
      }
      parts.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for entry in entries {
      let end = offset + entry.bytes.count
      let shape = entry.shape.map(String.init).joined(separator: ",")
      parts.append(
        "\(quoted(entry.name)):{\"dtype\":\"\(entry.dtype)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    return encode(header: "{" + parts.joined(separator: ",") + "}", data: entries.flatMap(\.bytes))
  }

  /// The bytes of a file with this header text.
  public static func encode(header: String, data: [UInt8]) -> [UInt8] {
    let header = Array(header.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header + data
  }

  /// The tensors and metadata of a sound file.
  public static func decode(_ bytes: [UInt8]) throws -> (
    tensors: [String: Entry], metadata: [String: String]
  ) {
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length]))
    var tensors: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    for (name, value) in header as? [String: [String: Any]] ?? [:] {
      if name == "__metadata__" {
        metadata = value as? [String: String] ?? [:]
        continue
      }
      let offsets = value["data_offsets"] as? [Int] ?? []
      tensors[name] = Entry(
        name, value["dtype"] as? String ?? "", value["shape"] as? [Int] ?? [],
        Array(bytes[(8 + length + offsets[0])..<(8 + length + offsets[1])]))
    }
    return (tensors, metadata)
  }

  private static func quoted(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: [text])
    return String(decoding: (data ?? Data()).dropFirst().dropLast(), as: UTF8.self)
  }
}

extension SafetensorsFile.Entry {
  /// The values of an F32 tensor.
  public var floats: [Float] {
    stride(from: 0, to: bytes.count, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
    }
  }
}
