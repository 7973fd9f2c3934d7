internal import Parquet

extension ColumnValues {
  /// A value in the target's notation: `12.50`, `2025-01-29`, `14:30:22.5`,
  /// `2025-01-29T14:30:22`, `2025-01-29T14:30:22Z`, `true`.
  ///
  /// What a job file writes as `min`, `one_of` or `default` is this notation.
  public func text(at index: Int, type: ColumnType) -> String {
    switch self {
    case .text(let values): return values[index]
    case .boolean(let values): return values[index] ? "true" : "false"
    case .integer(let values): return String(values[index])
    case .bigint(let values): return String(values[index])
    case .double(let values): return String(values[index])
    case .numeric(let values):
      guard case .numeric(_, let scale) = type else { return String(values[index]) }
      return Decimal128(unscaled: values[index], scale: scale).description
    case .date(let values): return LocalDate(days: values[index]).description
    case .time(let values): return LocalTime(microseconds: values[index]).description
    case .timestamp(let values):
      return type == .timestamptz
        ? Instant(microseconds: values[index]).description
        : LocalDateTime(microseconds: values[index]).description
    case .uuid(let values): return UUIDText.describe(values[index])
    }
  }

  /// All values in the target's notation.
  func rendered(type: ColumnType) -> ByteStrings {
    if case .text(let values) = self { return values }
    return ByteStrings((0..<count).lazy.map { self.text(at: $0, type: type) })
  }
}

/// The textual form of a UUID.
enum UUIDText {
  /// In lower case with dashes, as RFC 9562 has it.
  static func describe(_ value: UInt128) -> String {
    let digits = String(value, radix: 16)
    let padded = Array(String(repeating: "0", count: 32 - digits.count) + digits)
    return [padded[0..<8], padded[8..<12], padded[12..<16], padded[16..<20], padded[20..<32]]
      .map { String($0) }.joined(separator: "-")
  }
}
