/// Collects a column's values from rows, until they are written as a part of a row group.
final class ColumnBuilder {
  let name: String
  /// What the column is; nil until a value or its type says.
  private(set) var descriptor: ColumnDescriptor?
  /// Rows so far, the one being encoded included once it has given its value.
  private(set) var rowCount = 0
  /// About how many bytes the values have.
  private(set) var byteCount = 0
  /// Rows of the file before the first one held here.
  var firstRow = 0
  /// Whether the column can no more become optional: it is given, or a part is written already.
  var isFixed: Bool

  private var kind = Kind.unknown
  private var elementKind = Kind.unknown
  private var valueCount = 0
  private(set) var elementCount = 0
  /// Whether a row before the type was known had nothing, or its property may be nil.
  private var isOptional: Bool
  private var booleans: [Bool] = []
  private var int32s: [Int32] = []
  private var int64s: [Int64] = []
  private var floats: [Float] = []
  private var doubles: [Double] = []
  private var bytes: [UInt8] = []
  private var slices: [ByteSlice] = []
  /// Made when the first element without a value comes.
  private var indices: [UInt32]?
  private var offsets: [UInt32] = []
  private var listIsNull: [Bool] = []
  /// Whether values go to the list of the row being encoded.
  private(set) var isInList = false

  private enum Kind {
    case unknown
    /// Single values are refused: a list is to be opened first.
    case list
    case boolean, float, double, bytes
    case int64, uint64
    /// Numbers from `lowest` to `highest` in 32 bits.
    case int32(lowest: Int64, highest: Int64)
    /// Bytes of one length.
    case fixed(Int)
    case decimal(scale: Int, limit: Int128)
  }

  /// Makes a column whose type the first value will say.
  ///
  /// - Parameters:
  ///   - rowCount: Rows that came before and have no value in it.
  ///   - isOptional: Whether the property may be nil.
  init(name: String, rowCount: Int, isOptional: Bool) {
    self.name = name
    self.isOptional = isOptional
    isFixed = false
    for _ in 0..<rowCount { noteMissing() }
  }

  /// Makes a column that is given.
  init(_ descriptor: ColumnDescriptor) {
    name = descriptor.name
    isOptional = descriptor.isOptional
    isFixed = true
    adopt(descriptor)
  }

  // MARK: The column's type

  private func adopt(_ descriptor: ColumnDescriptor) {
    self.descriptor = descriptor
    if descriptor.list != nil, offsets.isEmpty {
      offsets = [0]
      // Rows before had nothing.
      listIsNull = Array(repeating: true, count: rowCount)
      for _ in 0..<rowCount { offsets.append(0) }
      indices = nil
      elementCount = 0
    }
    elementKind =
      switch (descriptor.logicalType, descriptor.physicalType) {
      case (.decimal(let precision, let scale), _):
        .decimal(scale: scale, limit: UnscaledNumber.powerOfTen(min(precision, 38)) ?? .max)
      case (.integer(let width, let isSigned), .int32):
        isSigned
          ? .int32(lowest: -(1 << Int64(width - 1)), highest: 1 << Int64(width - 1) - 1)
          : .int32(lowest: 0, highest: 1 << Int64(width) - 1)
      case (.integer(_, isSigned: false), .int64): .uint64
      case (_, .boolean): .boolean
      case (_, .int32): .int32(lowest: Int64(Int32.min), highest: Int64(Int32.max))
      case (_, .int64): .int64
      case (_, .float): .float
      case (_, .double): .double
      case (_, .fixedLengthByteArray): .fixed(descriptor.fixedLength ?? 0)
      case (_, .byteArray), (_, .int96): .bytes
      }
    kind = descriptor.list == nil || isInList ? elementKind : .list
  }

  /// Makes the column one for values of `type`, if nothing has said yet what it is.
  func adopt(_ type: Any.Type) {
    if isInList {
      adoptElement(type)
      return
    }
    guard descriptor == nil, var derived = ColumnDescriptor(name, of: type) else { return }
    if derived.list == nil {
      derived.isOptional = derived.isOptional || isOptional
    } else {
      derived.list?.isOptional = isOptional
    }
    adopt(derived)
  }

  /// The same for a single value: of the row, or of the list that is open.
  private func adoptElement(_ type: Any.Type) {
    guard descriptor == nil, var derived = ColumnDescriptor(name, of: type) else { return }
    if isInList {
      derived.isOptional = derived.isOptional || indices != nil
      derived.list = ListShape(isOptional: isOptional)
    } else {
      derived.isOptional = isOptional
    }
    adopt(derived)
  }

  // MARK: Values

  @inline(__always)
  private func finishValue(_ byteCount: Int) {
    if indices != nil { indices?.append(UInt32(truncatingIfNeeded: valueCount)) }
    valueCount += 1
    elementCount += 1
    self.byteCount += byteCount
    if !isInList { rowCount += 1 }
  }

  func append(_ value: Bool) throws(ParquetError) {
    if case .unknown = kind { adoptElement(Bool.self) }
    guard case .boolean = kind else { throw unfit(Bool.self) }
    booleans.append(value)
    finishValue(1)
  }

  @inline(__always)
  func append<Value: FixedWidthInteger>(integer value: Value) throws(ParquetError) {
    if case .int64 = kind, let number = Int64(exactly: value) {
      int64s.append(number)
      finishValue(8)
    } else {
      try appendOther(integer: value)
    }
  }

  @inline(never)
  private func appendOther<Value: FixedWidthInteger>(integer value: Value) throws(ParquetError) {
    if case .unknown = kind { adoptElement(Value.self) }
    switch kind {
    case .int64:
      guard let number = Int64(exactly: value) else { throw beyond(value) }
      int64s.append(number)
      finishValue(8)
    case .uint64:
      guard let number = UInt64(exactly: value) else { throw beyond(value) }
      int64s.append(Int64(bitPattern: number))
      finishValue(8)
    case .int32(let lowest, let highest):
      guard let number = Int64(exactly: value), number >= lowest, number <= highest else {
        throw beyond(value)
      }
      int32s.append(Int32(truncatingIfNeeded: number))
      finishValue(4)
    case .decimal:
      guard let number = Int128(exactly: value) else { throw beyond(value) }
      try append(decimal: number, scale: 0, of: Value.self)
    case .unknown, .list, .boolean, .float, .double, .bytes, .fixed: throw unfit(Value.self)
    }
  }

  func append(_ value: Double) throws(ParquetError) {
    if case .unknown = kind { adoptElement(Double.self) }
    switch kind {
    case .double:
      doubles.append(value)
      finishValue(8)
    case .float:
      guard value.isNaN || Float(exactly: value) != nil else {
        throw mismatch("a value that 32 bits hold exactly", "\(value)")
      }
      floats.append(Float(value))
      finishValue(4)
    default: throw unfit(Double.self)
    }
  }

  func append(_ value: Float) throws(ParquetError) {
    if case .unknown = kind { adoptElement(Float.self) }
    switch kind {
    case .float:
      floats.append(value)
      finishValue(4)
    case .double:
      doubles.append(Double(value))
      finishValue(8)
    default: throw unfit(Float.self)
    }
  }

  func append(_ value: String) throws(ParquetError) {
    if case .unknown = kind { adoptElement(String.self) }
    guard case .bytes = kind else { throw unfit(String.self) }
    var text = value
    let length = text.withUTF8 { utf8 in
      bytes.append(contentsOf: utf8)
      return utf8.count
    }
    try finishBytes(length)
  }

  func append(bytes value: [UInt8], of type: Any.Type) throws(ParquetError) {
    if case .unknown = kind { adoptElement(type) }
    switch kind {
    case .bytes: break
    case .fixed(let length):
      guard length == value.count else {
        throw mismatch("\(length) bytes", "\(value.count)")
      }
    default: throw unfit(type)
    }
    bytes.append(contentsOf: value)
    try finishBytes(value.count)
  }

  private func finishBytes(_ length: Int) throws(ParquetError) {
    guard bytes.count <= Int(UInt32.max) else {
      throw mismatch("less than 4 GiB in a row group", "\(bytes.count) bytes")
    }
    slices.append(
      ByteSlice(
        offset: UInt32(truncatingIfNeeded: bytes.count - length),
        length: UInt32(truncatingIfNeeded: length)))
    finishValue(length + 8)
  }

  /// Whether UUIDs are to be written as text, because the column given is one of text.
  func takesText(insteadOf type: Any.Type) throws(ParquetError) -> Bool {
    if case .unknown = kind { adoptElement(type) }
    if case .bytes = kind { return true }
    return false
  }

  /// Appends microseconds since 1970 in the column's own unit.
  func append(instant microseconds: Int64, of type: Any.Type) throws(ParquetError) {
    if case .unknown = kind { adoptElement(type) }
    let unit: Int64
    var factor: Int64 = 1
    switch descriptor?.logicalType {
    case .timestamp(.milliseconds, _): unit = 1000
    case .timestamp(.microseconds, _): unit = 1
    case .timestamp(.nanoseconds, _): (unit, factor) = (1, 1000)
    case .date: unit = 86_400_000_000
    default: throw unfit(type)
    }
    let (count, rest) = microseconds.quotientAndRemainder(dividingBy: unit)
    let (number, overflow) = count.multipliedReportingOverflow(by: factor)
    guard rest == 0, !overflow else {
      throw mismatch("a date of whole \(descriptor?.typeName ?? "units")", "\(microseconds) µs")
    }
    try append(integer: number)
  }

  /// Appends `number` times 10^-`scale`.
  func append(decimal number: Int128, scale: Int, of type: Any.Type) throws(ParquetError) {
    if case .unknown = kind { adoptElement(type) }
    guard case .decimal(let columnScale, let limit) = kind, let descriptor else {
      throw unfit(type)
    }
    let scaled = UnscaledNumber.rescaled(number, from: scale, to: columnScale)
    guard let scaled, scaled.magnitude < limit.magnitude else {
      throw mismatch(
        "a number that \(descriptor.typeName) holds exactly",
        UnscaledNumber.text(number, scale: scale))
    }
    switch descriptor.physicalType {
    case .int32:
      int32s.append(Int32(truncatingIfNeeded: scaled))
      finishValue(4)
    case .int64:
      int64s.append(Int64(truncatingIfNeeded: scaled))
      finishValue(8)
    default:
      let length = descriptor.fixedLength ?? UnscaledNumber.byteCount(of: scaled)
      UnscaledNumber.append(scaled, count: length, to: &bytes)
      try finishBytes(length)
    }
  }

  // MARK: Nulls and lists

  /// Appends an element without a value: of a row, or of the list that is open.
  func appendNull() throws(ParquetError) {
    if !isInList, descriptor == nil {
      noteMissing()
      return
    }
    if !isInList, descriptor?.list != nil {
      try appendNullList()
      return
    }
    if descriptor?.isOptional == false {
      guard !isFixed else { throw mismatch("a value in every row of a REQUIRED column", "none") }
      descriptor?.isOptional = true
    }
    appendNullIndex()
    if !isInList { rowCount += 1 }
  }

  private func appendNullIndex() {
    if indices == nil { indices = (0..<UInt32(elementCount)).map { $0 } }
    indices?.append(ColumnVector.null)
    elementCount += 1
  }

  /// A row before anything is known of the column.
  private func noteMissing() {
    isOptional = true
    if offsets.isEmpty {
      appendNullIndex()
    } else {
      offsets.append(offsets.last ?? 0)
      listIsNull.append(true)
    }
    rowCount += 1
  }

  private func appendNullList() throws(ParquetError) {
    if descriptor?.list?.isOptional == false {
      guard !isFixed else { throw mismatch("a list in every row of a REQUIRED column", "none") }
      descriptor?.list?.isOptional = true
    }
    offsets.append(offsets.last ?? 0)
    listIsNull.append(true)
    rowCount += 1
  }

  /// Opens a row's list. Its elements follow, then ``endList()``.
  func beginList() throws(ParquetError) {
    guard !isInList else { throw mismatch("a list of single values", "lists in a list") }
    if let descriptor, descriptor.list == nil {
      throw mismatch("a value for a column of \(descriptor.typeName)", "an array")
    }
    if descriptor == nil, offsets.isEmpty {
      // Rows before had nothing.
      offsets = Array(repeating: 0, count: rowCount + 1)
      listIsNull = Array(repeating: true, count: rowCount)
      indices = nil
      elementCount = 0
    }
    isInList = true
    kind = elementKind
  }

  func endList() throws(ParquetError) {
    isInList = false
    if descriptor != nil { kind = .list }
    guard let end = UInt32(exactly: elementCount), end != .max else {
      throw mismatch("fewer than 2^32 elements in a row group", "\(elementCount)")
    }
    offsets.append(end)
    listIsNull.append(false)
    rowCount += 1
  }

  // MARK: Row groups

  /// The values collected, as a column of a row group.
  func vector() -> ColumnVector {
    let values: PhysicalValues
    switch descriptor?.physicalType {
    case .boolean: values = .boolean(booleans)
    case .int32: values = .int32(int32s)
    case .int64: values = .int64(int64s)
    case .float: values = .float(floats)
    case .double: values = .double(doubles)
    case .fixedLengthByteArray:
      values = .fixedLengthByteArray(
        ByteStrings(storage: ByteStorage(copying: bytes), slices: slices))
    case .byteArray, .int96, nil:
      values = .byteArray(ByteStrings(storage: ByteStorage(copying: bytes), slices: slices))
    }
    let lists =
      descriptor?.list == nil
      ? nil : ListRows(offsets: offsets, isNull: listIsNull.contains(true) ? listIsNull : nil)
    return ColumnVector(values: values, indices: indices, lists: lists)
  }

  /// Begins the next row group.
  func removeAll() {
    firstRow += rowCount
    rowCount = 0
    byteCount = 0
    valueCount = 0
    elementCount = 0
    booleans.removeAll(keepingCapacity: true)
    int32s.removeAll(keepingCapacity: true)
    int64s.removeAll(keepingCapacity: true)
    floats.removeAll(keepingCapacity: true)
    doubles.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    slices.removeAll(keepingCapacity: true)
    indices = nil
    if descriptor?.list != nil { offsets = [0] }
    listIsNull.removeAll(keepingCapacity: true)
  }

  // MARK: Errors

  /// An error about this column in the row being encoded.
  func mismatch(_ expected: String, _ found: String) -> ParquetError {
    ParquetError(
      .rowMismatch, expected: expected, found: found, column: name, row: firstRow + rowCount)
  }

  private func beyond<Value: FixedWidthInteger>(_ value: Value) -> ParquetError {
    mismatch("a number that \(descriptor?.typeName ?? "the column") holds", "\(value)")
  }

  private func unfit(_ type: Any.Type) -> ParquetError {
    mismatch("a value for a column of \(descriptor?.typeName ?? "no known type")", "\(type)")
  }
}
