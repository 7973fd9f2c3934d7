/// A value of the physical type INT96, which old writers store timestamps in: nanoseconds of the day,
/// then the Julian day.
///
/// Its memory is that of the file, so an array of them is what a PLAIN page holds.
public struct Int96: Sendable, Hashable, BitwiseCopyable {
  private var low: UInt32
  private var middle: UInt32
  private var high: UInt32

  /// Makes a timestamp from the nanoseconds since midnight and the Julian day, which begins at
  /// midnight here: 2440588 is 1970-01-01.
  public init(nanosecondsOfDay: Int64, julianDay: Int32) {
    let nanoseconds = UInt64(bitPattern: nanosecondsOfDay)
    low = UInt32(truncatingIfNeeded: nanoseconds).littleEndian
    middle = UInt32(truncatingIfNeeded: nanoseconds >> 32).littleEndian
    high = UInt32(bitPattern: julianDay).littleEndian
  }

  /// Nanoseconds since midnight.
  public var nanosecondsOfDay: Int64 {
    let upper = UInt64(UInt32(littleEndian: middle)) << 32
    return Int64(bitPattern: upper | UInt64(UInt32(littleEndian: low)))
  }

  /// The day, counted as astronomers do but from midnight: 2440588 is 1970-01-01.
  public var julianDay: Int32 { Int32(bitPattern: UInt32(littleEndian: high)) }

  /// Nanoseconds since 1970-01-01T00:00, or nil beyond the years 1677 to 2262, which 64 bits hold.
  public var nanosecondsSince1970: Int64? {
    let (days, _) = Int64(julianDay).subtractingReportingOverflow(2_440_588)
    let (start, isFar) = days.multipliedReportingOverflow(by: 86_400_000_000_000)
    let (sum, isFarther) = start.addingReportingOverflow(nanosecondsOfDay)
    return isFar || isFarther ? nil : sum
  }
}
