import Cairn
import Parquet

/// A column in PostgreSQL's binary form: each distinct value is encoded once, with its length before
/// it, as COPY and arrays have it.
struct EncodedColumn: Sendable {
  /// The column's name.
  var name: String
  /// The values' bytes, each after its length in 4 bytes; last of all a NULL.
  var bytes: [UInt8]
  /// For each value where it begins in `bytes`; then where the NULL begins, and where it ends.
  var starts: [UInt32]
  /// For each row the position of its value, or ``Column/null``; nil when row `i` holds value `i`.
  var indices: [UInt32]?
  /// Values that the column does not hold, and why.
  var unfit: [UInt32: String]

  /// How many distinct values there are.
  var valueCount: Int { starts.count - 2 }

  /// The position of a row's value, or ``Column/null``.
  @inline(__always)
  func valueIndex(ofRow row: Int) -> UInt32 { indices?[row] ?? UInt32(row) }

  /// Encodes a column.
  ///
  /// - Parameters:
  ///   - column: The column of the job; its values are of a type that has the form.
  ///   - form: How its values become those of the table's column.
  ///   - converted: For the form ``WireForm/converted`` what the server made of the values.
  init(_ column: Column, as form: WireForm, converted: ConvertedValues? = nil) {
    var values = ValueWriter(count: column.values.count, byteCount: Self.textByteCount(column))
    if let converted {
      converted.write(to: &values)
    } else {
      Self.encode(column, as: form, to: &values)
    }
    name = column.name
    indices = column.indices
    (bytes, starts, unfit) = values.finish()
  }

  private static func textByteCount(_ column: Column) -> Int {
    guard case .text(let strings) = column.values else { return 0 }
    return strings.slices.reduce(0) { $0 + Int($1.length) }
  }

  private static func encode(_ column: Column, as form: WireForm, to values: inout ValueWriter) {
    switch (column.values, form) {
    case (.text(let strings), .text(let limit)):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: limit)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .paddedText(let limit)):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index).withoutTrailingBlanks, limit: limit)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .label):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: nil)
      }
      withExtendedLifetime(strings) {}
    case (.text(let strings), .jsonb):
      for index in 0..<strings.count {
        values.text(strings.unsafeBytes(at: index), limit: nil, version: 1)
      }
      withExtendedLifetime(strings) {}
    case (.boolean(let flags), _):
      for flag in flags { values.fixed(flag ? UInt8(1) : 0) }
    case (.integer(let numbers), _):
      for number in numbers { values.number(Int128(number), scale: 0, as: form) }
    case (.bigint(let numbers), _):
      for number in numbers { values.number(Int128(number), scale: 0, as: form) }
    case (.numeric(let numbers), _):
      guard case .numeric(_, let scale) = column.type else {
        preconditionFailure("numeric values in a column of type \(column.type)")
      }
      for number in numbers { values.number(number, scale: scale, as: form) }
    case (.double(let numbers), .float(4)):
      for number in numbers { values.single(number) }
    case (.double(let numbers), _):
      for number in numbers { values.fixed(number.bitPattern) }
    case (.date(let days), .date):
      for day in days { values.date(day) }
    case (.date(let days), _):
      for day in days {
        values.timestamp(Int64(day).multipliedReportingOverflow(by: 86_400_000_000), step: 1)
      }
    case (.time(let times), .time(let step)):
      for time in times { values.time(time, step: step) }
    case (.timestamp(let times), .timestamp(let step)):
      for time in times { values.timestamp((time, false), step: step) }
    case (.uuid(let numbers), .uuid):
      for number in numbers { values.fixed(number) }
    case (.uuid, _):
      for index in 0..<column.values.count {
        var text = column.values.text(at: index, type: column.type)
        text.withUTF8 { values.text(UnsafeRawBufferPointer($0), limit: form.limit) }
      }
    default:
      preconditionFailure("\(column.type) has no form \(form)")
    }
  }
}

extension WireForm {
  fileprivate var limit: Int? {
    switch self {
    case .text(let limit), .paddedText(let limit): limit
    default: nil
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The text without the blanks at its end.
  fileprivate var withoutTrailingBlanks: UnsafeRawBufferPointer {
    var end = count
    while end > 0, self[end - 1] == 0x20 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[..<end])
  }
}

/// Powers of ten.
enum DecimalPowers {
  static let ofTen: [UInt128] = {
    var powers: [UInt128] = [1]
    for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
    return powers
  }()

  /// As a double; exact up to 10^22.
  static func double(_ exponent: Int) -> Double { Double(ofTen[exponent]) }
}
