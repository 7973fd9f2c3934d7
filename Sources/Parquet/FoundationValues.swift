// The only file that knows Foundation's types, which rows may have as properties.
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ColumnCells {
  /// The value of `element`, if `type` is one of Foundation's that has columns of its own.
  func foundationValue<Value>(_ type: Value.Type, _ element: Int) throws(ParquetError) -> Value? {
    // Each cast is between the same types.
    if type == Date.self { return unsafeBitCast(try date(element), to: type) }
    if type == Decimal.self { return unsafeBitCast(try decimalNumber(element), to: type) }
    if type == UUID.self { return unsafeBitCast(try uuid(element), to: type) }
    if type == Data.self {
      let data = try withBytes(element, for: type) { Data($0) }
      return unsafeBitCast(data, to: type)
    }
    if type == URL.self {
      let text = try string(element)
      guard let url = URL(string: text) else { throw mismatch("a URL", "\"\(text)\"") }
      return unsafeBitCast(url, to: type)
    }
    return nil
  }

  private func date(_ element: Int) throws(ParquetError) -> Date {
    let (seconds, nanoseconds) = try instant(element, for: Date.self)
    return Date(
      timeIntervalSinceReferenceDate: Double(seconds - Date.referenceSeconds)
        + Double(nanoseconds) / 1e9)
  }

  private func decimalNumber(_ element: Int) throws(ParquetError) -> Decimal {
    let (unscaled, scale) = try decimal(element, for: Decimal.self)
    guard (-127...127).contains(scale) else {
      throw mismatch("a scale that Decimal has", "\(scale)")
    }
    let magnitude = unscaled.magnitude
    let high = Decimal(UInt64(truncatingIfNeeded: magnitude >> 64))
    let low = Decimal(UInt64(truncatingIfNeeded: magnitude))
    let significand = high * Decimal(UInt64.max) + high + low
    return Decimal(sign: unscaled < 0 ? .minus : .plus, exponent: -scale, significand: significand)
  }

  private func uuid(_ element: Int) throws(ParquetError) -> UUID {
    if descriptor.physicalType == .byteArray {
      let text = try string(element)
      guard let uuid = UUID(uuidString: text) else { throw mismatch("a UUID", "\"\(text)\"") }
      return uuid
    }
    let uuid = try withBytes(element, for: UUID.self) { bytes in
      bytes.count == 16 ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
    }
    guard let uuid else { throw unfit(UUID.self) }
    return uuid
  }
}

extension ColumnBuilder {
  /// Appends `value` if it is of one of Foundation's types that has columns of its own.
  func appendFoundation<Value>(_ value: Value) throws(ParquetError) -> Bool {
    let type = Value.self
    // Each cast is between the same types.
    if type == Date.self {
      let seconds = unsafeBitCast(value, to: Date.self).timeIntervalSinceReferenceDate
      let whole = seconds.rounded(.down)
      guard let count = Int64(exactly: whole), abs(count) < 1 << 42 else {
        throw mismatch("a date that microseconds in 64 bits hold", "\(seconds) s since 2001")
      }
      let microseconds = Int64(((seconds - whole) * 1e6).rounded())
      try append(
        instant: (count + Date.referenceSeconds) * 1_000_000 + microseconds, of: type)
    } else if type == Decimal.self {
      let decimal = unsafeBitCast(value, to: Decimal.self)
      guard let (number, scale) = UnscaledNumber.parse(decimal.description) else {
        throw mismatch("a decimal of at most 38 digits", "\(decimal)")
      }
      try append(decimal: number, scale: scale, of: type)
    } else if type == UUID.self {
      let uuid = unsafeBitCast(value, to: UUID.self)
      if try takesText(insteadOf: UUID.self) {
        try append(uuid.uuidString)
      } else {
        try append(bytes: withUnsafeBytes(of: uuid.uuid) { Array($0) }, of: type)
      }
    } else if type == Data.self {
      try append(bytes: Array(unsafeBitCast(value, to: Data.self)), of: type)
    } else if type == URL.self {
      try append(unsafeBitCast(value, to: URL.self).absoluteString)
    } else {
      return false
    }
    return true
  }
}

extension Date {
  /// Seconds from 1970 to the year 2001, which dates count from.
  fileprivate static let referenceSeconds: Int64 = 978_307_200
}

extension ColumnDescriptor {
  /// The column that properties of one of Foundation's types get.
  static func foundation(_ name: String, of type: Any.Type) -> ColumnDescriptor? {
    switch type {
    case is Date.Type:
      ColumnDescriptor(
        name: name, physicalType: .int64,
        logicalType: .timestamp(unit: .microseconds, isAdjustedToUTC: true))
    case is Decimal.Type:
      ColumnDescriptor(
        name: name, physicalType: .fixedLengthByteArray,
        logicalType: .decimal(precision: 38, scale: 9),
        fixedLength: UnscaledNumber.byteCount(ofDigits: 38))
    case is UUID.Type:
      ColumnDescriptor(
        name: name, physicalType: .fixedLengthByteArray, logicalType: .uuid, fixedLength: 16)
    case is Data.Type: ColumnDescriptor(name: name, physicalType: .byteArray)
    case is URL.Type: .string(name)
    default: nil
    }
  }
}
