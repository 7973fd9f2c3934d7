internal import Foundation
internal import Synchronization

/// The offsets of a time zone through time, for turning local times into instants.
///
/// A local time that was skipped when clocks went forward is moved forward by the gap: 02:30 becomes
/// 03:30. A local time that happened twice when clocks went back is the first of the two (daylight
/// time). Both are the offset in force before the change, as Python's `fold=0` has it.
final class ZoneRules: Sendable {
  /// The zone's IANA name.
  let name: String
  /// Local times (in seconds since 1970 by the local clock) from which the next offset holds.
  private let thresholds: [Int64]
  /// Seconds east of UTC; one more than thresholds.
  private let offsets: [Int64]

  /// Rules repeat after 400 years, which are a whole number of weeks.
  private static let cycle: Int64 = 146_097 * 86_400
  /// 2500-01-01: later times are looked up 400 years (or a multiple) earlier.
  private static let horizon: Int64 = 16_725_225_600

  private static let known = Mutex<[String: ZoneRules]>([:])

  /// The zone of an IANA name, or nil when there is none. Zones are read once.
  static func named(_ name: String) -> ZoneRules? {
    if let rules = known.withLock({ $0[name] }) { return rules }
    guard let zone = TimeZone(identifier: name) else { return nil }
    let rules = ZoneRules(name: name, zone: zone)
    known.withLock { $0[name] = rules }
    return rules
  }

  private init(name: String, zone: TimeZone) {
    self.name = name
    var thresholds: [Int64] = []
    // 0001-01-01, before every zone's first change.
    var date = Date(timeIntervalSince1970: -62_135_596_800)
    var offsets = [Int64(zone.secondsFromGMT(for: date))]
    var before = offsets[0]
    while let change = zone.nextDaylightSavingTimeTransition(after: date), change > date {
      let seconds = Int64(change.timeIntervalSince1970.rounded())
      guard seconds < Self.horizon else { break }
      date = change
      let after = Int64(zone.secondsFromGMT(for: change))
      guard after != before else { continue }
      // In a gap and in an overlap alike the old offset holds up to here.
      thresholds.append(seconds + max(before, after))
      offsets.append(after)
      before = after
    }
    self.thresholds = thresholds
    self.offsets = offsets
  }

  /// The instant of a local time, both in microseconds since 1970-01-01 00:00:00.
  func instant(ofLocal local: Int64) -> Int64 {
    var seconds = local / 1_000_000
    if local % 1_000_000 < 0 { seconds -= 1 }
    if seconds >= Self.horizon {
      seconds -= ((seconds - Self.horizon) / Self.cycle + 1) * Self.cycle
    }
    // The number of thresholds at or before the local time.
    var low = 0
    var high = thresholds.count
    while low < high {
      let middle = (low + high) / 2
      if thresholds[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return local - offsets[low] * 1_000_000
  }
}
