import Glibc

/// The time of day.
public enum WallClock {
  /// Seconds since 1970, with fractions.
  public static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// A time as people write it, in UTC: `2024-11-21 07:42:32`.
  public static func text(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 253_402_300_799)))
    let (days, rest) = whole.quotientAndRemainder(dividingBy: 86400)
    // Days of eras of 400 years that start in March (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468
    let (era, day) = shifted.quotientAndRemainder(dividingBy: 146_097)
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
    let dayOfYear = day - (365 * year + year / 4 - year / 100)
    let month = (5 * dayOfYear + 2) / 153
    let date = dayOfYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    let calendarYear = era * 400 + year + (calendarMonth <= 2 ? 1 : 0)
    let parts = [calendarMonth, date, rest / 3600, rest / 60 % 60, rest % 60].map { number in
      number < 10 ? "0\(number)" : "\(number)"
    }
    return "\(calendarYear)-\(parts[0])-\(parts[1]) \(parts[2]):\(parts[3]):\(parts[4])"
  }
}
