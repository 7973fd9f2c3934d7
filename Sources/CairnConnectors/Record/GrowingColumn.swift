internal import Cairn
internal import Parquet

/// A column of a table's rows while they are collected, filled from JSON.
///
/// Plain text is copied from the answer's bytes into the column's: no `String` a value.
struct GrowingColumn {
  let name: String
  let type: ColumnType
  private var indices: [UInt32] = []
  private var bytes: [UInt8] = []
  private var slices: [ByteSlice] = []
  private var numbers: [Int64] = []
  private var fractions: [Double] = []
  private var flags: [Bool] = []

  init(name: String, type: ColumnType) {
    self.name = name
    self.type = type
  }

  /// Whether nothing was appended yet.
  var isEmpty: Bool { indices.isEmpty }

  /// Appends a value; null where it is not of the column's type.
  mutating func append(_ value: JSONValue) {
    switch type {
    case .text:
      let start = bytes.count
      if value.withPlainBytes({ bytes.append(contentsOf: $0) }) {
        close(from: start)
      } else {
        append(text: value.string)
      }
    case .json: append(text: value.isNull ? nil : value.text)
    case .boolean:
      guard let flag = value.boolean else { return appendNull() }
      indices.append(UInt32(flags.count))
      flags.append(flag)
    case .double:
      guard let number = value.double else { return appendNull() }
      indices.append(UInt32(fractions.count))
      fractions.append(number)
    case .integer: append(number: value.integer.flatMap { Int32(exactly: $0) }.map(Int64.init))
    case .bigint: append(number: value.integer)
    case .timestamptz: append(number: JSONInstant.microseconds(value))
    default: appendNull()
    }
  }

  /// A value that was read already; its case must be that of the column's type.
  enum Cell {
    /// `text` and `json`.
    case text(String)
    case boolean(Bool)
    case integer(Int32)
    case bigint(Int64)
    case double(Double)
    /// Days since 1970-01-01.
    case date(Int32)
    /// `timestamptz`: microseconds since 1970-01-01 UTC.
    case instant(Int64)
  }

  /// Sets the value of a row that is at the column's end or after it; rows between are null. One of
  /// another type than the column's is left out.
  mutating func set(_ cell: Cell, row: Int) {
    fill(rows: row)
    let before = indices.count > row ? indices.removeLast() : nil
    switch (type, cell) {
    case (.text, .text(let text)), (.json, .text(let text)): append(text: text)
    case (.boolean, .boolean(let flag)):
      indices.append(UInt32(flags.count))
      flags.append(flag)
    case (.double, .double(let number)):
      indices.append(UInt32(fractions.count))
      fractions.append(number)
    case (.integer, .integer(let number)): append(number: Int64(number))
    case (.date, .date(let days)): append(number: Int64(days))
    case (.bigint, .bigint(let number)), (.timestamptz, .instant(let number)):
      append(number: number)
    default: if let before { indices.append(before) }
    }
  }

  /// Adds nulls until there are so many rows.
  mutating func fill(rows: Int) {
    while indices.count < rows { appendNull() }
  }

  /// Appends a text, or null.
  mutating func append(text: String?) {
    guard let text else { return appendNull() }
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    close(from: start)
  }

  private mutating func append(number: Int64?) {
    guard let number else { return appendNull() }
    indices.append(UInt32(numbers.count))
    numbers.append(number)
  }

  private mutating func appendNull() { indices.append(Column.null) }

  private mutating func close(from start: Int) {
    indices.append(UInt32(slices.count))
    slices.append(ByteSlice(offset: UInt32(start), length: UInt32(bytes.count - start)))
  }

  /// The column.
  func column() -> Column {
    let values: ColumnValues =
      switch type {
      case .boolean: .boolean(flags)
      case .double: .double(fractions)
      case .integer: .integer(numbers.map { Int32(truncatingIfNeeded: $0) })
      case .date: .date(numbers.map { Int32(truncatingIfNeeded: $0) })
      case .bigint: .bigint(numbers)
      case .timestamptz: .timestamp(numbers)
      default: .text(ByteStrings(storage: ByteStorage(copying: bytes), slices: slices))
      }
    return Column(name: name, type: type, values: values, indices: indices)
  }
}

/// Instants in JSON strings.
enum JSONInstant {
  /// Microseconds since 1970-01-01 UTC; nil when the value is no instant.
  static func microseconds(_ value: JSONValue) -> Int64? {
    var found: Int64?
    let isPlain = value.withPlainBytes { text in
      // 2025-03-02T10:15:30Z, as nearly all are: read here, without a String.
      guard text.count == 20, text[4] == 0x2D, text[7] == 0x2D, text[10] == 0x54,
        text[13] == 0x3A, text[16] == 0x3A, text[19] == 0x5A,
        let year = number(text, 0, 4), let month = number(text, 5, 2), let day = number(text, 8, 2),
        let hour = number(text, 11, 2), let minute = number(text, 14, 2),
        let second = number(text, 17, 2), hour < 24, minute < 60, second < 60,
        let date = LocalDate(year: year, month: month, day: day)
      else {
        found = Instant(String(decoding: text, as: UTF8.self))?.microseconds
        return
      }
      let seconds = Int64(date.days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
      found = seconds * 1_000_000
    }
    return isPlain ? found : nil
  }

  private static func number(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int
  ) -> Int? {
    var number = 0
    for offset in start..<start + count {
      let digit = text[offset] &- 0x30
      guard digit < 10 else { return nil }
      number = number * 10 + Int(digit)
    }
    return number
  }
}
