import Cairn

/// What a column does to the values stored in it ("Datatypes In SQLite", section 3).
enum Affinity: String, Sendable, Hashable {
  case text = "TEXT"
  case numeric = "NUMERIC"
  case integer = "INTEGER"
  case real = "REAL"
  /// Values stay as they are.
  case blob = "BLOB"

  /// The affinity of a column by its declared type (section 3.1 there).
  ///
  /// - Parameter isStrict: Whether the table is STRICT, where ANY keeps values as they are.
  init(declaredType: String, isStrict: Bool) {
    let type = declaredType.asciiLowercased
    if isStrict, type == "any" {
      self = .blob
    } else if type.contains("int") {
      self = .integer
    } else if type.contains("char") || type.contains("clob") || type.contains("text") {
      self = .text
    } else if type.isEmpty || type.contains("blob") {
      self = .blob
    } else if type.contains("real") || type.contains("floa") || type.contains("doub") {
      self = .real
    } else {
      self = .numeric
    }
  }
}

extension ColumnType {
  /// The type Cairn declares for a column of a table it creates, or nil for none.
  ///
  /// Text, JSON, UUIDs, dates and times are TEXT; booleans and integers INTEGER; doubles REAL.
  /// Decimal numbers are NUMERIC where every number of the type fits an INTEGER or the 15 digits of
  /// a REAL. Larger ones have no declared type, since NUMERIC would round them.
  var declaredType: String? {
    switch self {
    case .text, .json, .uuid, .date, .time, .timestamp, .timestamptz: "TEXT"
    case .boolean, .integer, .bigint: "INTEGER"
    case .double: "REAL"
    case .numeric(let precision, let scale):
      precision <= 15 || (scale == 0 && precision <= 18) ? "NUMERIC(\(precision),\(scale))" : nil
    }
  }

  /// Why values of the type cannot be stored unharmed in a column, or nil when they can.
  func misfit(in column: ShapeColumn, isStrict: Bool) -> String? {
    let declared = column.declaredType.isEmpty ? "no type" : column.declaredType
    let harm: String?
    switch (self, column.affinity) {
    case (_, .blob) where isStrict && column.declaredType.asciiLowercased == "blob":
      harm = "which holds nothing but blobs"
    case (_, .blob): harm = nil
    case (.numeric, .text): harm = nil
    case (.text, .text), (.json, .text), (.uuid, .text), (.date, .text), (.time, .text),
      (.timestamp, .text), (.timestamptz, .text):
      harm = nil
    case (_, .text): harm = "which would turn numbers into text"
    // DATE, DATETIME, TIMESTAMP, UUID and JSON are not among SQLite's own types: all are NUMERIC,
    // which leaves text alone unless all of it is a number.
    case (.uuid, .numeric), (.date, .numeric), (.time, .numeric), (.timestamp, .numeric),
      (.timestamptz, .numeric):
      harm = isStrict ? "which holds no text" : nil
    case (.json, .numeric) where column.declaredType.asciiLowercased.hasPrefix("json"): harm = nil
    case (.text, _), (.json, _):
      harm = "which would turn text like 0012 into the number 12"
    case (.uuid, _), (.date, _), (.time, _), (.timestamp, _), (.timestamptz, _):
      harm = "which is made for numbers"
    case (.bigint, .real): harm = "which rounds integers beyond 2^53"
    case (.double, .integer) where isStrict: harm = "which holds no fractions"
    case (.numeric(_, let scale), .integer) where scale > 0: harm = "which is made for integers"
    case (.numeric(let precision, _), .real) where precision > 15: harm = "which keeps 15 digits"
    default: harm = nil
    }
    return harm.map { "column '\(column.name)' is \(declared), \($0); the job loads \(self)" }
  }
}
