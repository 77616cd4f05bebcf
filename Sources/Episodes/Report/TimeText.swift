/// Lengths of time for people.
public enum TimeText {
  /// `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 05 min`, `3 d 4 h`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
    if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 59.95 {
      let tenths = Int((seconds * 10).rounded())
      return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
    let minutes = whole / 60 % 60
    if whole < 86400 {
      return "\(whole / 3600) h" + (minutes == 0 ? "" : " \(minutes < 10 ? "0" : "")\(minutes) min")
    }
    let hours = whole / 3600 % 24
    return "\(whole / 86400) d" + (hours == 0 ? "" : " \(hours) h")
  }
}
