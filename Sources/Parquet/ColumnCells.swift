#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// One column while rows are decoded: its values in the row group at hand, as Swift types.
///
/// Numbers are widened once a row group and texts of a dictionary made once a value, so that a row
/// costs a look-up.
final class ColumnCells {
  let descriptor: ColumnDescriptor
  /// Where in the schema the column is.
  let column: Int
  private let place: RowPlace
  private let kind: Kind

  private var booleans: [Bool] = []
  private var signed: [Int64] = []
  private var unsigned: [UInt64] = []
  private var floats: [Float] = []
  private var doubles: [Double] = []
  private var int96s: [Int96] = []
  private var strings: ByteStrings?
  private var texts: [String?] = []
  private var indices: [UInt32]?
  private var lists: ListRows?

  /// What the values are to Swift.
  private enum Kind {
    case boolean, signed, unsigned, float, double, half, bytes, uuid
    /// A number in `signed`, or in bytes, to be scaled.
    case decimal(scale: Int)
    /// Units of `signed` in a second.
    case instant(Int64)
    /// `signed` counts days since 1970-01-01.
    case days
    /// A timestamp in `int96s`: as a number, nanoseconds since 1970-01-01.
    case legacyInstant
  }

  init(_ descriptor: ColumnDescriptor, column: Int, place: RowPlace) {
    self.descriptor = descriptor
    self.column = column
    self.place = place
    kind =
      switch (descriptor.logicalType, descriptor.physicalType) {
      case (.decimal(_, let scale), _): .decimal(scale: scale)
      case (.timestamp(.milliseconds, _), _): .instant(1000)
      case (.timestamp(.microseconds, _), _): .instant(1_000_000)
      case (.timestamp(.nanoseconds, _), _): .instant(1_000_000_000)
      case (.date, _): .days
      case (.uuid, _): .uuid
      case (.float16, _): .half
      case (.integer(_, isSigned: false), _): .unsigned
      case (_, .boolean): .boolean
      case (_, .int32), (_, .int64): .signed
      case (_, .int96): .legacyInstant
      case (_, .float): .float
      case (_, .double): .double
      case (_, .byteArray), (_, .fixedLengthByteArray): .bytes
      }
  }

  /// Whether each row has a list of values.
  var isList: Bool { descriptor.list != nil }

  /// The row at hand.
  var row: Int {
    @inline(__always) get { place.row }
  }

  /// Takes the values of the next row group.
  func load(_ vector: ColumnVector) throws(ParquetError) {
    switch vector.values {
    case .boolean(let values): booleans = values
    case .int32(let values):
      if case .unsigned = kind {
        unsigned = values.map { UInt64(UInt32(bitPattern: $0)) }
      } else {
        signed = values.map(Int64.init)
      }
    case .int64(let values):
      if case .unsigned = kind {
        unsigned = values.map { UInt64(bitPattern: $0) }
      } else {
        signed = values
      }
    case .int96(let values): int96s = values
    case .float(let values): floats = values
    case .double(let values): doubles = values
    case .byteArray(let values), .fixedLengthByteArray(let values):
      strings = values
      let isRepeated = vector.indices.map { values.count < $0.count } ?? false
      texts = isRepeated ? Array(repeating: nil, count: values.count) : []
    }
    indices = vector.indices
    lists = vector.lists
  }

  // MARK: Places

  /// The elements of the list in `row`; nil if it has none.
  func elements(inRow row: Int) throws(ParquetError) -> Range<Int>? {
    guard let lists else {
      throw mismatch("a column of lists", "single values")
    }
    if let isNull = lists.isNull, isNull[row] { return nil }
    return Int(lists.offsets[row])..<Int(lists.offsets[row + 1])
  }

  /// Whether the row at hand has nothing.
  var isRowNull: Bool {
    if let lists { return lists.isNull?[row] ?? false }
    return isNull(row)
  }

  /// Whether element `element`, which is the row itself except in lists, has no value.
  @inline(__always)
  func isNull(_ element: Int) -> Bool {
    guard let indices else { return false }
    return indices[element] == ColumnVector.null
  }

  /// Where the value of `element` is.
  @inline(__always)
  private func position<Value>(
    _ element: Int, for type: Value.Type
  ) throws(ParquetError) -> Int {
    guard let indices else { return element }
    let index = indices[element]
    if index == ColumnVector.null { throw missing(type) }
    return Int(index)
  }

  // MARK: Values

  func boolean(_ element: Int) throws(ParquetError) -> Bool {
    guard case .boolean = kind else { throw unfit(Bool.self) }
    return booleans[try position(element, for: Bool.self)]
  }

  @inline(__always)
  func integer<Value: FixedWidthInteger>(
    _ element: Int, as type: Value.Type
  ) throws(ParquetError) -> Value {
    let position = try position(element, for: type)
    if case .signed = kind {
      let number = signed[position]
      if let value = Value(exactly: number) { return value }
      throw mismatch("a value of \(type)", "\(number)")
    }
    return try otherInteger(position, as: type)
  }

  @inline(never)
  private func otherInteger<Value: FixedWidthInteger>(
    _ position: Int, as type: Value.Type
  ) throws(ParquetError) -> Value {
    let exact: Value?
    switch kind {
    case .signed, .instant, .days: exact = Value(exactly: signed[position])
    case .legacyInstant: exact = Value(exactly: int96s[position].nanoseconds)
    case .unsigned: exact = Value(exactly: unsigned[position])
    case .decimal(let scale):
      let unscaled = try unscaled(position)
      exact = UnscaledNumber.rescaled(unscaled, from: scale, to: 0).flatMap(Value.init(exactly:))
    case .boolean, .float, .double, .half, .bytes, .uuid: throw unfit(type)
    }
    guard let exact else { throw mismatch("a value of \(type)", text(position)) }
    return exact
  }

  func double(_ element: Int) throws(ParquetError) -> Double {
    let position = try position(element, for: Double.self)
    if case .double = kind { return doubles[position] }
    switch kind {
    case .float: return Double(floats[position])
    case .half: return Double(half(position))
    case .signed:
      if let value = Double(exactly: signed[position]) { return value }
    case .unsigned:
      if let value = Double(exactly: unsigned[position]) { return value }
    default: throw unfit(Double.self)
    }
    throw mismatch("a value that Double has exactly", text(position))
  }

  func float(_ element: Int) throws(ParquetError) -> Float {
    let position = try position(element, for: Float.self)
    switch kind {
    case .float: return floats[position]
    case .half: return half(position)
    case .double:
      let value = doubles[position]
      if value.isNaN { return .nan }
      if let exact = Float(exactly: value) { return exact }
    case .signed:
      if let value = Float(exactly: signed[position]) { return value }
    case .unsigned:
      if let value = Float(exactly: unsigned[position]) { return value }
    default: throw unfit(Float.self)
    }
    throw mismatch("a value that Float has exactly", text(position))
  }

  func string(_ element: Int) throws(ParquetError) -> String {
    guard case .bytes = kind, let strings else { throw unfit(String.self) }
    let position = try position(element, for: String.self)
    if texts.isEmpty { return try text(of: strings, position) }
    if let known = texts[position] { return known }
    let made = try text(of: strings, position)
    texts[position] = made
    return made
  }

  private func text(of strings: ByteStrings, _ position: Int) throws(ParquetError) -> String {
    let bytes = strings.unsafeBytes(at: position)
    var text = String(decoding: bytes, as: UTF8.self)
    // Bytes that are no UTF-8 were replaced, by others.
    let isSame = text.withUTF8 { utf8 in
      guard utf8.count == bytes.count else { return false }
      guard let made = utf8.baseAddress, let stored = bytes.baseAddress else { return true }
      return memcmp(made, stored, utf8.count) == 0
    }
    withExtendedLifetime(strings) {}
    guard isSame else { throw mismatch("UTF-8 text", "other bytes") }
    return text
  }

  /// Calls `body` with the bytes of a byte array.
  func withBytes<Result>(
    _ element: Int, for type: Any.Type, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(ParquetError) -> Result {
    switch kind {
    case .bytes, .uuid, .half: break
    default: throw unfit(type)
    }
    guard let strings else { throw unfit(type) }
    return strings.withBytes(at: try position(element, for: type), body)
  }

  /// The number behind a decimal or an integer, and its scale.
  func decimal(
    _ element: Int, for type: Any.Type
  ) throws(ParquetError) -> (unscaled: Int128, scale: Int) {
    let position = try position(element, for: type)
    switch kind {
    case .decimal(let scale): return (try unscaled(position), scale)
    case .signed: return (Int128(signed[position]), 0)
    case .unsigned: return (Int128(unsigned[position]), 0)
    default: throw unfit(type)
    }
  }

  /// Time since 1970-01-01T00:00 in whole seconds, and nanoseconds since then.
  func instant(
    _ element: Int, for type: Any.Type
  ) throws(ParquetError) -> (seconds: Int64, nanoseconds: Int64) {
    let unitsPerSecond: Int64
    let position = try position(element, for: type)
    switch kind {
    case .instant(let units): unitsPerSecond = units
    case .legacyInstant: return int96s[position].instant
    case .days: return (signed[position] * 86_400, 0)
    default: throw unfit(type)
    }
    var (seconds, rest) = signed[position].quotientAndRemainder(dividingBy: unitsPerSecond)
    if rest < 0 {
      seconds -= 1
      rest += unitsPerSecond
    }
    return (seconds, rest * (1_000_000_000 / unitsPerSecond))
  }

  private func unscaled(_ position: Int) throws(ParquetError) -> Int128 {
    guard let strings else { return Int128(signed[position]) }
    let number = strings.withBytes(at: position) { UnscaledNumber.number(bigEndian: $0) }
    guard let number else {
      throw mismatch("a decimal of at most 38 digits", "more, or no bytes")
    }
    return number
  }

  private func half(_ position: Int) -> Float {
    let bits =
      strings?.withBytes(at: position) {
        $0.count == 2 ? UInt16($0[0]) | UInt16($0[1]) << 8 : 0
      } ?? 0
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7FFF)
    if magnitude >= 0x7C00 {
      return Float(bitPattern: sign | 0x7F80_0000 | (magnitude & 0x3FF) << 13)
    }
    let value = Float(bitPattern: magnitude << 13) * 0x1p112
    return sign == 0 ? value : -value
  }

  // MARK: Errors

  /// What is at `position`, for an error.
  private func text(_ position: Int) -> String {
    switch kind {
    case .boolean: return "\(booleans[position])"
    case .signed, .instant, .days: return "\(signed[position])"
    case .legacyInstant: return "\(int96s[position].nanoseconds)"
    case .unsigned: return "\(unsigned[position])"
    case .float: return "\(floats[position])"
    case .double: return "\(doubles[position])"
    case .half: return "\(half(position))"
    case .decimal(let scale):
      guard let number = try? unscaled(position) else { return "a decimal" }
      return UnscaledNumber.text(number, scale: scale)
    case .bytes, .uuid: return "bytes"
    }
  }

  /// An error about this column in the row at hand.
  func mismatch(_ expected: String, _ found: String) -> ParquetError {
    ParquetError(
      .rowMismatch, expected: expected, found: found, column: descriptor.name,
      row: place.fileRow)
  }

  private func missing(_ type: Any.Type) -> ParquetError {
    mismatch("a value of \(type) (an optional property takes rows without one)", "null")
  }

  /// An error that says which type the column has.
  func unfit(_ type: Any.Type) -> ParquetError {
    mismatch("a column that \(type) is read from", descriptor.typeName)
  }
}

/// The row that is being decoded.
final class RowPlace {
  /// Its number among the rows of the row group that are wanted.
  var row = -1
  /// How many these are.
  var rowCount = 0
  /// Rows of the file before the row group.
  var firstRow = 0
  /// All rows of the row group.
  var groupRowCount = 0
  /// The rows of the row group that are wanted; nil if they all are.
  var chosen: RowRanges?

  /// Its number in the file, for errors.
  var fileRow: Int {
    let row = max(row, 0)
    guard let chosen, row < chosen.count else { return firstRow + row }
    return firstRow + (chosen.rows(at: [UInt32(row)]).ranges.first?.lowerBound ?? row)
  }
}

extension ColumnDescriptor {
  /// The column's type, for errors: `INT64 timestamp(…)`.
  var typeName: String {
    let value = logicalType.map { "\($0) in \(physicalType)" } ?? "\(physicalType)"
    return list == nil ? value : "lists of \(value)"
  }
}
