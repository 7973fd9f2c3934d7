internal import Parquet

/// Reads the fields of one column as its type and checks the values.
enum ColumnParser: Sendable {
  case text(TextChecks)
  case boolean(BooleanParser, defaultValue: Bool?)
  case integer(IntegerParser, ValueChecks<Int32>)
  case bigint(IntegerParser, ValueChecks<Int64>)
  case double(DoubleParser, ValueChecks<Double>)
  case numeric(NumericParser, ValueChecks<Int128>)
  case date(DateTimeParser, ValueChecks<Int32>)
  case time(DateTimeParser, ValueChecks<Int64>)
  case timestamp(DateTimeParser, ValueChecks<Int64>)
  case timestamptz(DateTimeParser, ValueChecks<Int64>)
  case uuid(ValueChecks<UInt128>)

  /// Values read, and what became of each.
  struct Output {
    var values: ColumnValues
    /// A ``ValueDefect`` for each value, or nil when all are `none`.
    var states: [UInt8]?
    /// Where in `values` the column's default is, if it has one and some value is null.
    var defaultIndex: Int?
  }

  /// Reads every text once.
  ///
  /// - Parameters:
  ///   - nulls: Fields that mean "no value"; nil when none does.
  ///   - trims: Whether white space around the fields is dropped.
  func parse(_ texts: ByteStrings, nulls: NullTokens?, trims: Bool) throws -> Output {
    switch self {
    case .text(let checks):
      return try parseTexts(texts, nulls: nulls, trims: trims, checks: checks)
    case .boolean(let parser, let defaultValue):
      var (values, states, _) = parseEach(
        texts, nulls: nil, zero: Bool.Ordered(isTrue: false), checks: ValueChecks<Bool.Ordered>()
      ) { bytes, value in
        // A word that the job names is a word even when it is a null token too.
        if let nulls, nulls.contains(bytes), !parser.claims(bytes) { return .null }
        return parser.parse(bytes, into: &value.isTrue)
      }
      let index = Self.appendDefault(
        defaultValue.map(Bool.Ordered.init(isTrue:)), to: &values, states)
      return Output(
        values: .boolean(values.map(\.isTrue)), states: states, defaultIndex: index)
    case .integer(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int32(0), checks: checks) {
        parser.parse($0, into: &$1)
      }
      return Output(values: .integer(values), states: states, defaultIndex: index)
    case .bigint(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int64(0), checks: checks) {
        parser.parse($0, into: &$1)
      }
      return Output(values: .bigint(values), states: states, defaultIndex: index)
    case .double(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: 0.0, checks: checks) {
        parser.parse($0, into: &$1)
      }
      return Output(values: .double(values), states: states, defaultIndex: index)
    case .numeric(let parser, let checks):
      let (values, states, index) = parseEach(
        texts, nulls: nulls, zero: Int128(0), checks: checks
      ) { parser.parse($0, into: &$1) }
      return Output(values: .numeric(values), states: states, defaultIndex: index)
    case .date(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int32(0), checks: checks) {
        parser.parseDate($0, into: &$1)
      }
      return Output(values: .date(values), states: states, defaultIndex: index)
    case .time(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int64(0), checks: checks) {
        parser.parseTime($0, into: &$1)
      }
      return Output(values: .time(values), states: states, defaultIndex: index)
    case .timestamp(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int64(0), checks: checks) {
        parser.parseTimestamp($0, into: &$1)
      }
      return Output(values: .timestamp(values), states: states, defaultIndex: index)
    case .timestamptz(let parser, let checks):
      let (values, states, index) = parseEach(texts, nulls: nulls, zero: Int64(0), checks: checks) {
        parser.parseInstant($0, into: &$1)
      }
      return Output(values: .timestamp(values), states: states, defaultIndex: index)
    case .uuid(let checks):
      let (values, states, index) = parseEach(
        texts, nulls: nulls, zero: UInt128(0), checks: checks
      ) { UUIDParser.parse($0, into: &$1) }
      return Output(values: .uuid(values), states: states, defaultIndex: index)
    }
  }

  /// Checks values that are of the column's type already.
  ///
  /// - Parameter mayBeMissing: Whether some row has no value, so that the default is needed.
  func check(_ values: ColumnValues, mayBeMissing: Bool) throws -> Output {
    switch (self, values) {
    case (.text(let checks), .text(let texts)):
      var output = try parseTexts(texts, nulls: nil, trims: false, checks: checks)
      if mayBeMissing, output.defaultIndex == nil, let value = checks.defaultValue {
        let appended = Self.appending(value, to: texts)
        output.defaultIndex = texts.count
        output.values = .text(appended)
      }
      return output
    case (.boolean(_, let defaultValue), .boolean(var values)):
      var index: Int?
      if mayBeMissing, let defaultValue {
        index = values.count
        values.append(defaultValue)
      }
      return Output(values: .boolean(values), states: nil, defaultIndex: index)
    case (.integer(_, let checks), .integer(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .integer(values), states: states, defaultIndex: index)
    case (.bigint(_, let checks), .bigint(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .bigint(values), states: states, defaultIndex: index)
    case (.double(_, let checks), .double(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .double(values), states: states, defaultIndex: index)
    case (.numeric(_, let checks), .numeric(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .numeric(values), states: states, defaultIndex: index)
    case (.date(_, let checks), .date(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .date(values), states: states, defaultIndex: index)
    case (.time(_, let checks), .time(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .time(values), states: states, defaultIndex: index)
    case (.timestamp(_, let checks), .timestamp(let values)),
      (.timestamptz(_, let checks), .timestamp(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .timestamp(values), states: states, defaultIndex: index)
    case (.uuid(let checks), .uuid(let values)):
      let (values, states, index) = checkEach(values, checks, mayBeMissing)
      return Output(values: .uuid(values), states: states, defaultIndex: index)
    default:
      preconditionFailure("a column's values are of the case that its type calls for")
    }
  }

  // MARK: Loops

  /// The loop over distinct values; specialised for each type because it is inlined.
  @inline(__always)
  private func parseEach<Value>(
    _ texts: ByteStrings, nulls: NullTokens?, zero: Value, checks: ValueChecks<Value>,
    _ parse: (UnsafeRawBufferPointer, inout Value) -> ValueDefect
  ) -> (values: [Value], states: [UInt8]?, defaultIndex: Int?) {
    let count = texts.count
    let mustCheck = !checks.areEmpty
    var flaws = 0
    var states = [UInt8](repeating: 0, count: count)
    var values = [Value](unsafeUninitializedCapacity: count + 1) { values, filled in
      states.withUnsafeMutableBufferPointer { states in
        for index in 0..<count {
          let bytes = texts.unsafeBytes(at: index).trimmed
          var value = zero
          var state = ValueDefect.null
          if nulls?.contains(bytes) != true {
            state = parse(bytes, &value)
            if mustCheck, state == .none { state = checks.verdict(on: value) }
          }
          (values.baseAddress.unsafelyUnwrapped + index).initialize(to: value)
          if state != .none {
            states[index] = state.rawValue
            flaws += 1
          }
        }
      }
      filled = count
    }
    withExtendedLifetime(texts) {}
    guard flaws > 0 else { return (values, nil, nil) }
    let index = Self.appendDefault(checks.defaultValue, to: &values, states)
    return (values, states, index)
  }

  private func checkEach<Value>(
    _ values: [Value], _ checks: ValueChecks<Value>, _ mayBeMissing: Bool
  ) -> (values: [Value], states: [UInt8]?, defaultIndex: Int?) {
    var values = values
    var states: [UInt8]?
    if !checks.areEmpty {
      let found = values.map { checks.verdict(on: $0).rawValue }
      if found.contains(where: { $0 != 0 }) { states = found }
    }
    guard mayBeMissing, let value = checks.defaultValue else { return (values, states, nil) }
    values.append(value)
    return (values, states, values.count - 1)
  }

  private static func appendDefault<Value>(
    _ value: Value?, to values: inout [Value], _ states: [UInt8]?
  ) -> Int? {
    guard let value, let states, states.contains(ValueDefect.null.rawValue) else { return nil }
    values.append(value)
    return values.count - 1
  }

  /// Texts keep their bytes where they are; trimming only moves the ends of slices.
  private func parseTexts(
    _ texts: ByteStrings, nulls: NullTokens?, trims: Bool, checks: TextChecks
  ) throws -> Output {
    let matcher = try checks.pattern.map(TextChecks.compile)
    let mustCheck = !checks.areEmpty
    var slices: [ByteSlice]?
    var states: [UInt8]?
    var hasNull = false
    if nulls != nil || mustCheck || trims {
      for index in 0..<texts.count {
        let whole = texts.unsafeBytes(at: index)
        let trimmed = whole.trimmed
        var state = ValueDefect.null
        if nulls?.contains(trimmed) != true {
          let bytes = trims ? trimmed : whole
          state = mustCheck ? checks.verdict(on: bytes, matcher: matcher) : .none
          if trims, trimmed.count != whole.count, let start = trimmed.baseAddress {
            if slices == nil { slices = texts.slices }
            slices?[index] = ByteSlice(
              offset: UInt32(start - texts.storage.bytes.baseAddress.unsafelyUnwrapped),
              length: UInt32(trimmed.count))
          }
        } else {
          hasNull = true
        }
        if state != .none {
          if states == nil { states = [UInt8](repeating: 0, count: texts.count) }
          states?[index] = state.rawValue
        }
      }
      withExtendedLifetime(texts) {}
    }
    var result = texts
    if let slices { result = ByteStrings(storage: texts.storage, slices: slices) }
    var defaultIndex: Int?
    if hasNull, let value = checks.defaultValue {
      defaultIndex = result.count
      result = Self.appending(value, to: result)
    }
    return Output(values: .text(result), states: states, defaultIndex: defaultIndex)
  }

  /// The texts and one more. Copies them: a default is rare.
  static func appending(_ text: [UInt8], to texts: ByteStrings) -> ByteStrings {
    let used = texts.storage.bytes.count
    let storage = ByteStorage(capacity: used + text.count) { destination in
      destination.copyMemory(from: texts.storage.bytes)
      UnsafeMutableRawBufferPointer(rebasing: destination[used...]).copyBytes(from: text)
      return used + text.count
    }
    return ByteStrings(
      storage: storage,
      slices: texts.slices + [ByteSlice(offset: UInt32(used), length: UInt32(text.count))])
  }
}

extension Bool {
  /// A Bool with the order that checks ask for.
  struct Ordered: Comparable, Sendable {
    var isTrue: Bool
    static func < (left: Ordered, right: Ordered) -> Bool { !left.isTrue && right.isTrue }
  }
}
