import TensorCore

/// Numbers by the keys of storages, which most often count up from 0.
struct StorageKeys {
  private var counted: [Int32] = []
  private var others: [ExactString: Int] = [:]

  /// The number of a key, which is given by its bytes.
  subscript(key: Substring.UTF8View) -> Int? {
    get {
      guard let count = StorageKeys.count(of: key) else {
        return others[ExactString(String(Substring(key)))]
      }
      return count < counted.count && counted[count] >= 0 ? Int(counted[count]) : nil
    }
    set {
      guard let count = StorageKeys.count(of: key) else {
        others[ExactString(String(Substring(key)))] = newValue
        return
      }
      while counted.count <= count { counted.append(-1) }
      counted[count] = Int32(newValue ?? -1)
    }
  }

  /// Larger keys are no counts: they would take memory that nothing else of the file takes.
  private static let maximumDigits = 6

  /// What a key counts, when it is a number as PyTorch writes it: digits, without zeros before them.
  private static func count(of digits: Substring.UTF8View) -> Int? {
    guard let first = digits.first, digits.count <= maximumDigits,
      first != UInt8(ascii: "0") || digits.count == 1
    else { return nil }
    var count = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      count = count * 10 + Int(digit &- UInt8(ascii: "0"))
    }
    return count
  }
}
