internal import Parquet

/// Gives columns the types that a person would, from the distinct values of the first chunk.
///
/// | all values are | type |
/// |---|---|
/// | digits, up to 9; up to 19 that fit 64 bits | `integer`; `bigint` |
/// | digits with a leading zero, or more of them | `text` |
/// | decimals with equally many digits after the point, some of them ending in 0 | `numeric(18,s)`, or `numeric(38,s)` beyond 15 digits |
/// | other decimals of up to 15 digits, numbers with an exponent | `double` |
/// | `true` and `false` | `boolean` |
/// | `2013-01-01`; the same and times; with offsets | `date`; `timestamp`; `timestamptz` |
/// | `10:00` or `10:00:00` | `time` |
/// | UUIDs with dashes | `uuid` |
/// | anything else, or nothing | `text` |
///
/// Null tokens do not count. A later value that is not of the type stops the run with a
/// ``TypeContradiction``.
public enum TypeInference {
  /// Infers the columns of a source.
  ///
  /// - Parameters:
  ///   - chunk: The source's first chunk.
  ///   - source: How the source writes values: null tokens, decimal point.
  ///   - key: The target's key, whose columns are required.
  public static func infer(
    from chunk: SourceChunk, source: SourceOptions, key: [String] = []
  ) -> InferredColumns {
    let nulls = NullTokens(source.nulls)
    // A decimal point that makes no sense is reported when the rules are compiled.
    let format = (try? source.numberFormat()) ?? .canonical
    return InferredColumns(
      columns: chunk.batch.columns.map { column in
        var inferred: InferredColumn
        if case .text(let texts) = column.values, column.type == .text {
          var evidence = Evidence()
          for index in 0..<texts.count {
            let bytes = texts.unsafeBytes(at: index).trimmed
            if nulls.contains(bytes) {
              evidence.nulls += 1
            } else {
              evidence.add(bytes, format)
            }
          }
          withExtendedLifetime(texts) {}
          let (type, reason) = evidence.conclusion
          inferred = InferredColumn(
            rule: ColumnRule(name: column.name, type: type), reason: reason)
        } else {
          inferred = InferredColumn(
            rule: ColumnRule(name: column.name, type: column.type), reason: "the source's own type")
        }
        inferred.rule.required = key.contains(column.name)
        return inferred
      })
  }

  /// What a single value looks like.
  enum Kind: Int, CaseIterable {
    case integer, bigint, decimal, float, boolean, date, timestamp, instant, time, uuid, text
  }

  /// What the values of a column have in common.
  private struct Evidence {
    var nulls = 0
    private var counts = [Int](repeating: 0, count: Kind.allCases.count)
    private var mostDigits = 0
    private var mostWholeDigits = 0
    private var scales = (least: Int.max, most: 0)
    private var endsInZero = false
    private var firstText: [UInt8] = []
    private var hasLeadingZero = false

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ format: NumberFormat) {
      let kind = kind(of: bytes, format)
      if kind == .text, counts[Kind.text.rawValue] == 0 { firstText = Array(bytes) }
      counts[kind.rawValue] += 1
    }

    private mutating func kind(
      of bytes: UnsafeRawBufferPointer, _ format: NumberFormat
    ) -> Kind {
      guard let first = bytes.first, bytes.count <= 64 else { return .text }
      let isDigit = first.digitValue < 10
      if isDigit || first == 0x2D || first == format.decimal {
        if let kind = number(bytes, format) { return kind }
      }
      if isDigit, let kind = dateOrTime(bytes) { return kind }
      if bytes.count == 36 {
        var value: UInt128 = 0
        if UUIDParser.parse(bytes, into: &value) == .none { return .uuid }
      }
      if bytes.equalsIgnoringCase(Array("true".utf8)) { return .boolean }
      if bytes.equalsIgnoringCase(Array("false".utf8)) { return .boolean }
      return .text
    }

    private mutating func number(
      _ bytes: UnsafeRawBufferPointer, _ format: NumberFormat
    ) -> Kind? {
      guard let parsed = DecimalDigits(bytes, format: format) else { return nil }
      let start = bytes[0] == 0x2D ? 1 : 0
      if bytes.count > start + 1, bytes[start] == 0x30, bytes[start + 1].digitValue < 10 {
        hasLeadingZero = true
        return .text
      }
      let exponent = bytes.firstIndex { $0.asciiLowercased == 0x65 }
      let point = bytes.firstIndex(of: format.decimal)
      if let exponent {
        // 12E4 is more often a code than a number; 1.2E4 and 12E+4 are numbers.
        let sign = bytes[exponent + 1]
        return point != nil || sign == 0x2B || sign == 0x2D ? .float : .text
      }
      let whole = max(parsed.point, 0)
      guard point != nil else {
        if parsed.digits.count <= 9 {
          mostWholeDigits = max(mostWholeDigits, whole)
          return .integer
        }
        var value: Int64 = 0
        let parser = IntegerParser(format: format, rounds: false)
        guard parser.parse(bytes, into: &value) == .none else { return .text }
        mostWholeDigits = max(mostWholeDigits, whole)
        return .bigint
      }
      mostWholeDigits = max(mostWholeDigits, whole)
      mostDigits = max(mostDigits, whole + parsed.writtenScale)
      scales = (min(scales.least, parsed.writtenScale), max(scales.most, parsed.writtenScale))
      if parsed.writtenScale > 0 {
        let last = bytes[bytes.count - 1] == 0x2D ? bytes.count - 2 : bytes.count - 1
        if bytes[last] == 0x30 { endsInZero = true }
      }
      return .decimal
    }

    private func dateOrTime(_ bytes: UnsafeRawBufferPointer) -> Kind? {
      let parser = CanonicalParsers.dateTime
      var days: Int32 = 0
      var microseconds: Int64 = 0
      if bytes.count == 10, parser.parseDate(bytes, into: &days) == .none { return .date }
      if parser.parseTime(bytes, into: &microseconds) == .none { return .time }
      switch parser.parseTimestamp(bytes, into: &microseconds) {
      case .none: return .timestamp
      case .withOffset: return .instant
      default: return nil
      }
    }

    private func has(only kinds: Kind...) -> Bool {
      Kind.allCases.allSatisfy { counts[$0.rawValue] == 0 || kinds.contains($0) }
    }

    private func has(_ kind: Kind) -> Bool { counts[kind.rawValue] > 0 }

    /// The type and why.
    var conclusion: (ColumnType, String) {
      let total = counts.reduce(0, +)
      if total == 0 { return (.text, "no values in the first rows") }
      if has(only: .integer) { return (.integer, "whole numbers of up to 9 digits") }
      if has(only: .integer, .bigint) { return (.bigint, "whole numbers of more than 9 digits") }
      if has(only: .integer, .bigint, .decimal) { return decimalConclusion }
      if has(only: .integer, .bigint, .decimal, .float) {
        return (.double, "numbers with an exponent")
      }
      if has(only: .boolean) { return (.boolean, "true and false") }
      if has(only: .date) { return (.date, "ISO 8601 dates") }
      if has(only: .date, .timestamp) { return (.timestamp, "ISO 8601 dates and times") }
      if has(only: .instant) { return (.timestamptz, "ISO 8601 dates and times with offset") }
      if has(only: .time) { return (.time, "times") }
      if has(only: .uuid) { return (.uuid, "UUIDs") }
      return (.text, textReason(total))
    }

    private var decimalConclusion: (ColumnType, String) {
      let scale = scales.most
      let whole = max(mostWholeDigits, 1)
      if !has(.integer), !has(.bigint), scales.least == scale, scale > 0, endsInZero,
        whole + scale <= 38
      {
        return (
          .numeric(precision: whole + scale <= 15 ? 18 : 38, scale: scale),
          "decimals with \(scale) digits after the point each"
        )
      }
      if mostWholeDigits + scale <= 15 {
        return (.double, "decimals with up to \(scale) digits after the point")
      }
      guard whole + scale <= 38 else { return (.text, "decimals of more than 38 digits") }
      return (
        .numeric(precision: 38, scale: scale), "decimals of more digits than a double holds"
      )
    }

    /// Why a column is text; names the value at fault where nearly all others have a type.
    private func textReason(_ total: Int) -> String {
      let texts = counts[Kind.text.rawValue]
      let shown = firstText.withUnsafeBytes { RawRetention.full.showing($0) }
      if hasLeadingZero { return "digits with leading zeros" }
      if texts > 0, texts <= max(1, total / 20), total > texts {
        return
          "nearly all values have another type, but there is \(shown); if it means \"no value\","
          + " name it among the nulls"
      }
      return texts == 0 ? "values of different types" : "texts such as \(shown)"
    }
  }
}

/// The columns of a source with inferred types.
public struct InferredColumns: Sendable, Hashable {
  /// The columns, in the source's order.
  public var columns: [InferredColumn]

  /// Makes a list of columns.
  public init(columns: [InferredColumn]) { self.columns = columns }

  /// The rules to load them by.
  public var rules: [ColumnRule] { columns.map(\.rule) }
}

/// A column with an inferred type, and why it has it.
public struct InferredColumn: Sendable, Hashable {
  /// The rule to load it by.
  public var rule: ColumnRule
  /// Why it has its type, for a person.
  public var reason: String

  /// Makes a column.
  public init(rule: ColumnRule, reason: String) {
    self.rule = rule
    self.reason = reason
  }
}
