import Cairn

/// How values of a column of the job become values of a column of the table.
enum WireForm: Sendable, Hashable {
  /// UTF-8 as it is; `limit` characters at most, and blanks beyond it fall away as the server would
  /// have it.
  case text(limit: Int?)
  /// As text, without blanks at the end, which `char(n)` ignores.
  case paddedText(limit: Int?)
  /// The label of an enum, or another type whose binary form is its text.
  case label
  /// The binary form of jsonb: a version and the text.
  case jsonb
  case boolean
  /// 2, 4 or 8 bytes.
  case integer(bytes: Int)
  /// 4 or 8 bytes.
  case float(bytes: Int)
  /// Digits before and after the point that the column keeps, or nil for any.
  case numeric(limits: NumericLimits?)
  case date
  case time(step: Int64)
  /// Microseconds that every value must be a multiple of: 1 for `timestamp`, 1,000,000 for
  /// `timestamp(0)`.
  case timestamp(step: Int64)
  case uuid
  /// The server turns the text of each distinct value into its binary form.
  case converted

  /// Whether two values are equal just when their bytes are.
  var hasCanonicalBytes: Bool {
    switch self {
    case .text, .paddedText, .label, .boolean, .integer, .numeric, .date, .time, .timestamp, .uuid:
      true
    // Zero and minus zero; JSON and other types have an equality of their own.
    case .float, .jsonb, .converted: false
    }
  }
}

/// What a `numeric(p,s)` keeps.
struct NumericLimits: Sendable, Hashable {
  var precision: Int
  var scale: Int

  /// From the type modifier as PostgreSQL keeps it.
  init?(modifier: Int32) {
    guard modifier >= 4 else { return nil }
    let value = modifier - 4
    precision = Int(value >> 16) & 0xFFFF
    // Eleven bits with a sign.
    let bits = Int(value & 0x7FF)
    scale = (bits ^ 1_024) - 1_024
  }
}

extension ColumnType {
  /// The type that Cairn gives a column of a table it creates.
  var declaredType: String {
    switch self {
    case .text: "text"
    case .boolean: "boolean"
    case .integer: "integer"
    case .bigint: "bigint"
    case .double: "double precision"
    case .numeric(let precision, let scale): "numeric(\(precision),\(scale))"
    case .date: "date"
    case .time: "time"
    case .timestamp: "timestamp"
    case .timestamptz: "timestamptz"
    case .uuid: "uuid"
    case .json: "jsonb"
    }
  }

  /// How values of the type get into a column, or nil when they do not fit it.
  func form(in column: ShapeColumn) -> WireForm? {
    let base = column.base
    let name = base.isBuiltIn ? base.name : ""
    let length = base.modifier >= 4 ? Int(base.modifier - 4) : nil
    switch (self, name) {
    case (.text, "text"), (.json, "text"), (.uuid, "text"): return .text(limit: nil)
    case (.text, "varchar"), (.json, "varchar"), (.uuid, "varchar"):
      return .text(limit: length)
    case (.text, "bpchar"), (.uuid, "bpchar"): return .paddedText(limit: length)
    case (.text, _) where base.kind == "e": return .label
    case (.json, "json"): return .label
    case (.json, "jsonb"): return .jsonb
    case (.boolean, "bool"): return .boolean
    case (.integer, "int2"), (.bigint, "int2"): return .integer(bytes: 2)
    case (.integer, "int4"), (.bigint, "int4"): return .integer(bytes: 4)
    case (.integer, "int8"), (.bigint, "int8"): return .integer(bytes: 8)
    case (.numeric(_, 0), "int2"): return .integer(bytes: 2)
    case (.numeric(_, 0), "int4"): return .integer(bytes: 4)
    case (.numeric(_, 0), "int8"): return .integer(bytes: 8)
    case (.integer, "numeric"), (.bigint, "numeric"), (.numeric, "numeric"):
      let limits = NumericLimits(modifier: base.modifier)
      if case .numeric(_, let scale) = self, let limits, limits.scale < scale { return nil }
      if let limits, limits.scale < 0 { return nil }
      return .numeric(limits: limits)
    case (.double, "float8"), (.integer, "float8"): return .float(bytes: 8)
    case (.double, "float4"): return .float(bytes: 4)
    case (.numeric(let precision, _), "float8") where precision <= 15: return .float(bytes: 8)
    case (.date, "date"): return .date
    case (.time, "time"): return .time(step: Self.step(base.modifier))
    case (.date, "timestamp"): return .timestamp(step: 1)
    case (.timestamp, "timestamp"), (.timestamptz, "timestamptz"):
      return .timestamp(step: Self.step(base.modifier))
    case (.uuid, "uuid"): return .uuid
    case (.text, _) where Self.ownTypes.contains(name): return nil
    // Both cut off what is too long and say nothing.
    case (.text, "name"), (.text, "char"): return nil
    // Arrays, ranges, bytea, citext, addresses…: whatever PostgreSQL reads from text.
    case (.text, _): return .converted
    default: return nil
    }
  }

  /// Types that the job can name, so that text is not turned into them behind its back.
  private static let ownTypes: Set<String> = [
    "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timestamp",
    "timestamptz", "uuid", "json", "jsonb",
  ]

  private static func step(_ modifier: Int32) -> Int64 {
    guard (0..<6).contains(modifier) else { return 1 }
    return (0..<(6 - modifier)).reduce(Int64(1)) { step, _ in step * 10 }
  }

  /// Why values of the type cannot be stored in a column, or nil when they can.
  func misfit(in column: ShapeColumn) -> String? {
    if form(in: column) != nil { return nil }
    let harm: String
    switch self {
    case .text where Self.ownTypes.contains(column.base.name):
      harm = "which the job's columns can say themselves: declare the type there"
    case .numeric(_, let scale) where column.base.name == "numeric":
      harm = "which keeps fewer than \(scale) digits after the point"
    case .numeric(let precision, _) where column.base.name.hasPrefix("float") && precision > 15:
      harm = "which keeps 15 digits"
    case .timestamp where column.base.name == "timestamptz":
      harm = "which holds instants: give the job's column the type timestamptz, and a timezone"
    default: harm = "which does not hold such values"
    }
    return "column '\(column.name)' is \(column.declaredType), \(harm); the job loads \(self)"
  }
}
