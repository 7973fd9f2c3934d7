/// Reads `date`, `time`, `timestamp` and `timestamptz`, by a pattern or as ISO 8601.
struct DateTimeParser: Sendable {
  /// The pattern, or nil for ISO 8601.
  var pattern: DateTimePattern?
  /// The zone of local times that are to become instants.
  var zone: ZoneRules?
  /// Whether digits of a second after the sixth are rounded, half up, instead of being an error.
  var rounds: Bool

  /// Reads days since 1970-01-01. Without a pattern a time behind the date must be midnight.
  @inline(__always)
  func parseDate(_ bytes: UnsafeRawBufferPointer, into value: inout Int32) -> ValueDefect {
    var fields = DateTimeFields()
    if let pattern {
      guard pattern.parse(bytes, into: &fields), fields.microsecondsOfDay != nil else {
        return .notOfType
      }
    } else {
      guard let parts = ISODateTime.parse(bytes, into: &fields), parts.hasDate,
        fields.microsecondsOfDay == 0, fields.offset == nil, !fields.hasFinerFraction
      else { return .notOfType }
    }
    guard let days = fields.days else { return .notOfType }
    value = days
    return .none
  }

  /// Reads microseconds since midnight.
  @inline(__always)
  func parseTime(_ bytes: UnsafeRawBufferPointer, into value: inout Int64) -> ValueDefect {
    var fields = DateTimeFields()
    if let pattern {
      guard pattern.parse(bytes, into: &fields) else { return .notOfType }
    } else {
      guard let parts = ISODateTime.parse(bytes, into: &fields), !parts.hasDate else {
        return .notOfType
      }
    }
    guard fields.offset == nil else { return .withOffset }
    guard var time = fields.microsecondsOfDay else { return .notOfType }
    if fields.hasFinerFraction {
      guard rounds else { return .surplusDigits }
      if fields.roundsUp { time += 1 }
      guard time < CivilCalendar.microsecondsPerDay else { return .outOfRange }
    }
    value = time
    return .none
  }

  /// Reads microseconds since 1970-01-01 00:00:00, of the local clock.
  @inline(__always)
  func parseTimestamp(_ bytes: UnsafeRawBufferPointer, into value: inout Int64) -> ValueDefect {
    var fields = DateTimeFields()
    let defect = parseLocal(bytes, fields: &fields, into: &value)
    return defect == .none && fields.offset != nil ? .withOffset : defect
  }

  /// Reads microseconds since 1970-01-01 00:00:00 UTC.
  @inline(__always)
  func parseInstant(_ bytes: UnsafeRawBufferPointer, into value: inout Int64) -> ValueDefect {
    var fields = DateTimeFields()
    let defect = parseLocal(bytes, fields: &fields, into: &value)
    guard defect == .none else { return defect }
    if let offset = fields.offset {
      value -= Int64(offset) * 1_000_000
      return .none
    }
    guard let zone else { return .withoutOffset }
    value = zone.instant(ofLocal: value)
    return .none
  }

  @inline(__always)
  private func parseLocal(
    _ bytes: UnsafeRawBufferPointer, fields: inout DateTimeFields, into value: inout Int64
  ) -> ValueDefect {
    if let pattern {
      guard pattern.parse(bytes, into: &fields) else { return .notOfType }
    } else {
      guard let parts = ISODateTime.parse(bytes, into: &fields), parts.hasDate else {
        return .notOfType
      }
    }
    guard let days = fields.days, let time = fields.microsecondsOfDay else { return .notOfType }
    var local = Int64(days) * CivilCalendar.microsecondsPerDay + time
    if fields.hasFinerFraction {
      guard rounds else { return .surplusDigits }
      if fields.roundsUp { local += 1 }
    }
    value = local
    return .none
  }
}
