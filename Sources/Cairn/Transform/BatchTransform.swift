internal import Parquet

/// Validates and transforms chunks: source columns in, the target's typed columns and rejects out.
///
/// Compiled once for a run and used for every chunk, from any thread. Fields are read, checked and
/// converted once per distinct value; rows are touched only where a column has missing values or
/// errors, or where rules compare columns.
public struct BatchTransform: Sendable {
  /// The columns of the target, in order: names and types.
  public var targetColumns: [(name: String, type: ColumnType)] {
    plans.map { ($0.rule.name, $0.rule.type) }
  }

  /// A transform of the user's own, called with the accepted rows of each chunk, typed, after
  /// validation.
  ///
  /// It must return as many rows as it was given, in the same order, and the same columns. What it
  /// returns is not validated again.
  public var userTransform: (@Sendable (RecordBatch) throws -> RecordBatch)?

  private let plans: [ColumnPlan]
  private let inputs: [Input]
  private let comparisons: [RowComparison]
  private let layout: SourceLayout
  private let lineage: LineageValues
  private let retention: RawRetention
  private let sourceNulls: NullTokens
  private let contradictionsStop: Bool

  /// Where a column's values come from, by position in the layout.
  private enum Input: Sendable {
    case field(Int)
    case joined([Int])
    case constant(ColumnValues)
    case lineage(Lineage)
    case remainder([Int])
  }

  /// Compiles rules for a source.
  ///
  /// - Parameters:
  ///   - columns: The target's columns, as ``Job/resolveColumns(for:)`` or ``TypeInference`` give
  ///     them.
  ///   - rules: Rules across columns.
  ///   - source: How the source writes values.
  ///   - layout: The source's columns and delimiter.
  ///   - lineage: What lineage columns record.
  ///   - raw: What rejects keep of their rows, and whether reasons show values.
  ///   - contradictionsStop: Whether a value that is not of its column's type stops the run with a
  ///     ``TypeContradiction`` instead of rejecting its row: for types that were inferred.
  /// - Throws: ``TransformError``.
  public init(
    columns: [ColumnRule], rules: [RowRule], source: SourceOptions, layout: SourceLayout,
    lineage: LineageValues, raw: RawRetention = .full, contradictionsStop: Bool = false
  ) throws(TransformError) {
    self.layout = layout
    self.lineage = lineage
    self.contradictionsStop = contradictionsStop
    retention = raw
    sourceNulls = NullTokens(source.nulls)

    try columns.checkSources(in: layout)
    let positions = Dictionary(
      layout.columns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let named = columns.namedSourceColumns
    var plans: [ColumnPlan] = []
    var inputs: [Input] = []
    for rule in columns {
      let plan: ColumnPlan
      do {
        plan = try ColumnPlan(rule, source: source)
      } catch {
        throw .badRule(path: error.path(inColumn: rule.name), message: error.message)
      }
      plans.append(plan)
      switch rule.origin {
      case .fields(let names):
        let found = names.compactMap { positions[$0] }
        inputs.append(found.count == 1 ? .field(found[0]) : .joined(found))
      case .constant:
        guard let values = plan.constant else {
          throw .badRule(path: "columns[\(rule.name)].constant", message: "it has no value")
        }
        inputs.append(.constant(values))
      case .lineage(let lineage): inputs.append(.lineage(lineage))
      case .remainder:
        inputs.append(
          .remainder(layout.columns.indices.filter { !named.contains(layout.columns[$0]) }))
      }
    }
    self.plans = plans
    self.inputs = inputs

    let target = plans.map { ($0.rule.name, $0.rule.type) }
    var comparisons: [RowComparison] = []
    for rule in rules {
      do {
        comparisons.append(try RowComparison(rule, columns: target))
      } catch {
        throw .badRule(path: "rules[\(rule.name)].\(error.key)", message: error.message)
      }
    }
    self.comparisons = comparisons
  }

  /// Validates and transforms one chunk.
  ///
  /// - Throws: ``TransformError``, ``TypeContradiction``, or what the user's transform throws.
  public func apply(_ chunk: SourceChunk) throws -> TransformedChunk {
    let origins = RejectOrigins(chunk, layout: layout, retention: retention)
    let source = try sourceColumns(of: chunk)
    let rowCount = chunk.batch.rowCount

    var columns: [Column] = []
    columns.reserveCapacity(plans.count)
    var problems: [Problem] = []
    // What each column's fields were, for reasons.
    var found: [Column?] = []
    for (position, plan) in plans.enumerated() {
      let input: Column
      switch inputs[position] {
      case .field(let index):
        input = source[index]
      case .joined(let indices):
        input = JoinedColumns.join(
          indices.map { source[$0] }, named: plan.rule.name, nulls: sourceNulls, trims: plan.trims)
      case .remainder(let indices):
        input = try JSONObjectColumn.make(
          of: indices.map { source[$0] }, named: plan.rule.name, rowCount: rowCount,
          nulls: sourceNulls)
      case .constant(let values):
        columns.append(everyRow(plan, values, rowCount))
        found.append(nil)
        continue
      case .lineage(let lineage):
        columns.append(lineageColumn(lineage, plan, chunk, origins))
        found.append(nil)
        continue
      }
      columns.append(try convert(input, plan, position: position, problems: &problems))
      found.append(input)
    }

    var isUnread: [Int: [Bool]] = [:]
    if !comparisons.isEmpty, !problems.isEmpty {
      for problem in problems {
        isUnread[problem.column, default: [Bool](repeating: false, count: rowCount)][
          Int(problem.row)] = true
      }
    }
    for (position, comparison) in comparisons.enumerated() {
      let skipped = Self.either(isUnread[comparison.left], isUnread[comparison.right])
      let broken = comparison.broken(
        left: columns[comparison.left], right: columns[comparison.right], skipped: skipped)
      problems += broken.map {
        Problem(row: $0, column: plans.count + position, defect: .none, index: 0)
      }
    }

    var batch = try RecordBatch(columns: columns)
    var batchRows = origins.rowNumbers
    var rejects: [Reject] = []
    var rejected: RejectedValues?
    if !problems.isEmpty {
      if contradictionsStop { try checkContradictions(problems, found, origins) }
      rejects = self.rejects(for: &problems, columns: columns, found: found, origins)
      var accepted: [UInt32] = []
      accepted.reserveCapacity(rowCount)
      var next = 0
      for row in 0..<UInt32(rowCount) {
        while next < problems.count, problems[next].row < row { next += 1 }
        if next == problems.count || problems[next].row != row { accepted.append(row) }
      }
      rejected = try Self.rejected(problems, of: columns, origins)
      batch = batch.selecting(rows: accepted)
      batchRows =
        origins.rowNumbers.map { numbers in accepted.map { numbers[Int($0)] } } ?? accepted
    }
    if !chunk.malformed.isEmpty {
      rejects += chunk.malformed.map { origins.reject($0, columns: layout.columns) }
      rejects.sort { $0.row < $1.row }
    }
    if let userTransform { batch = try apply(userTransform, to: batch) }
    return TransformedChunk(
      batch: batch, batchRows: batchRows, rejects: rejects, rejected: rejected,
      origins: origins)
  }

  // MARK: Columns

  private func sourceColumns(of chunk: SourceChunk) throws(TransformError) -> [Column] {
    let columns = chunk.batch.columns
    if columns.count == layout.columns.count,
      zip(columns, layout.columns).allSatisfy({ $0.name == $1 })
    {
      return columns
    }
    // A source of the user's own may have its columns in another order, or none in an empty batch.
    let sorted = layout.columns.compactMap { chunk.batch.column(named: $0) }
    if sorted.count == layout.columns.count { return sorted }
    guard chunk.batch.rowCount == 0 else {
      throw .layoutMismatch(expected: layout.columns, found: columns.map(\.name))
    }
    return layout.columns.map {
      Column(name: $0, type: .text, values: .text(ByteStrings([])), indices: [])
    }
  }

  private func everyRow(_ plan: ColumnPlan, _ values: ColumnValues, _ rowCount: Int) -> Column {
    Column(
      name: plan.rule.name, type: plan.rule.type, values: values,
      indices: [UInt32](repeating: 0, count: rowCount))
  }

  private func lineageColumn(
    _ lineage: Lineage, _ plan: ColumnPlan, _ chunk: SourceChunk, _ origins: RejectOrigins
  ) -> Column {
    let rowCount = chunk.batch.rowCount
    switch lineage {
    case .file: return everyRow(plan, .text(ByteStrings([self.lineage.file])), rowCount)
    case .run: return everyRow(plan, .text(ByteStrings([self.lineage.run])), rowCount)
    case .loadedAt: return everyRow(plan, .timestamp([self.lineage.loadedAt]), rowCount)
    case .row:
      let first = Int64(clamping: chunk.extent.start.row) + 1
      let numbers =
        origins.rowNumbers.map { numbers in numbers.map { first + Int64($0) } }
        ?? Array(first..<first + Int64(rowCount))
      return Column(name: plan.rule.name, type: plan.rule.type, values: .bigint(numbers))
    }
  }

  /// A row's value that cannot be loaded, or (with a column beyond the last) a broken rule.
  private struct Problem {
    var row: UInt32
    var column: Int
    var defect: ValueDefect
    /// The position of the field among the column's distinct ones, or ``Column/null``.
    var index: UInt32
  }

  private func convert(
    _ input: Column, _ plan: ColumnPlan, position: Int, problems: inout [Problem]
  ) throws -> Column {
    let rule = plan.rule
    // Only columns that treat a missing value in some way have to look for one.
    let mayBeMissing =
      (rule.required || rule.defaultValue != nil) && input.indices?.contains(Column.null) == true
    var output: ColumnParser.Output
    switch input.values {
    case .text(let texts):
      // A remainder is JSON of our own making: its fields were looked up among null tokens already.
      let isOwn = rule.origin == .remainder
      output = try plan.parser.parse(
        texts, nulls: isOwn ? nil : plan.nulls, trims: !isOwn && plan.trims)
    case let values where input.type == rule.type:
      output = try plan.parser.check(values, mayBeMissing: mayBeMissing)
    case let values:
      output = try plan.canonicalParser.parse(
        values.rendered(type: input.type), nulls: nil, trims: false)
    }
    if mayBeMissing, output.defaultIndex == nil, rule.defaultValue != nil {
      // No distinct value was null, but some row has none at all.
      output = addingDefault(to: output, try plan.parser.check(output.values, mayBeMissing: true))
    }
    var column = Column(
      name: rule.name, type: rule.type, values: output.values, indices: input.indices)
    // Without indices every value is a row's; a default appended to them is not.
    if column.indices == nil, output.defaultIndex != nil {
      column.indices = Array(0..<UInt32(input.rowCount))
    }
    guard output.states != nil || mayBeMissing else { return column }
    settle(
      &column, output, plan, position: position, rowCount: input.rowCount, problems: &problems)
    return column
  }

  private func addingDefault(
    to output: ColumnParser.Output, _ extended: ColumnParser.Output
  ) -> ColumnParser.Output {
    var output = output
    output.values = extended.values
    output.defaultIndex = extended.defaultIndex
    return output
  }

  /// Gives each row whose value is null its default or none, and notes rows whose value is an error.
  private func settle(
    _ column: inout Column, _ output: ColumnParser.Output, _ plan: ColumnPlan, position: Int,
    rowCount: Int, problems: inout [Problem]
  ) {
    let null = ValueDefect.null.rawValue
    var states = output.states ?? []
    let substitute = output.defaultIndex.map { UInt32($0) } ?? Column.null
    let isRequired = plan.rule.required && output.defaultIndex == nil
    if isRequired {
      for index in states.indices where states[index] == null {
        states[index] = ValueDefect.required.rawValue
      }
    }
    if isRequired || states.contains(where: { $0 > null }) {
      for row in 0..<rowCount {
        let index = column.indices.map { $0[row] } ?? UInt32(row)
        let state: ValueDefect
        if index == Column.null {
          state = isRequired ? .required : .none
        } else {
          state =
            Int(index) < states.count ? ValueDefect(rawValue: states[Int(index)]) ?? .none : .none
        }
        if state.isError {
          problems.append(
            Problem(row: UInt32(row), column: position, defect: state, index: index))
        }
      }
    }
    let hasNull = states.contains(null)
    guard hasNull || (substitute != Column.null && column.indices?.contains(Column.null) == true)
    else { return }
    // Where each distinct value's rows point from now on.
    var map = Array(0..<UInt32(max(states.count, output.values.count)))
    for index in states.indices where states[index] == null { map[index] = substitute }
    if let indices = column.indices {
      column.indices = indices.map { $0 == Column.null ? substitute : map[Int($0)] }
    } else {
      column.indices = Array(map.prefix(rowCount))
    }
  }

  private static func either(_ left: [Bool]?, _ right: [Bool]?) -> [Bool]? {
    guard let left else { return right }
    guard let right else { return left }
    return zip(left, right).map { $0 || $1 }
  }

  // MARK: Rejects

  /// One reject for each row with problems; sorts the problems by row.
  private func rejects(
    for problems: inout [Problem], columns: [Column], found: [Column?], _ origins: RejectOrigins
  ) -> [Reject] {
    // By row, and within a row in the order of columns and then of rules.
    problems.sort { ($0.row, $0.column) < ($1.row, $1.column) }
    var rejects: [Reject] = []
    var start = 0
    while start < problems.count {
      var end = start + 1
      while end < problems.count, problems[end].row == problems[start].row { end += 1 }
      let first = problems[start]
      let reasons = problems[start..<end].map { reason(for: $0, columns: columns, found: found) }
      let isRule = first.column >= plans.count
      rejects.append(
        origins.reject(
          chunkRow: origins.rowNumbers?[Int(first.row)] ?? first.row,
          column: isRule ? nil : plans[first.column].rule.name,
          rule: isRule ? comparisons[first.column - plans.count].rule.name : first.defect.rule,
          reason: reasons.joined(separator: "; ")))
      start = end
    }
    return rejects
  }

  /// The rows with problems, sorted by row, without the values at fault.
  private static func rejected(
    _ problems: [Problem], of columns: [Column], _ origins: RejectOrigins
  ) throws(RecordBatchError) -> RejectedValues {
    var rows: [UInt32] = []
    var faults: [(column: Int, row: Int)] = []
    for problem in problems {
      if rows.last != problem.row { rows.append(problem.row) }
      if problem.column < columns.count { faults.append((problem.column, rows.count - 1)) }
    }
    var rejected = columns.map { $0.selecting(rows: rows) }
    for (column, row) in faults {
      if rejected[column].indices == nil {
        rejected[column].indices = Array(0..<UInt32(rows.count))
      }
      rejected[column].indices?[row] = Column.null
    }
    return RejectedValues(
      batch: try RecordBatch(columns: rejected),
      rows: origins.rowNumbers.map { numbers in rows.map { numbers[Int($0)] } } ?? rows)
  }

  private func reason(for problem: Problem, columns: [Column], found: [Column?]) -> String {
    guard problem.column < plans.count else {
      let comparison = comparisons[problem.column - plans.count]
      let rule = comparison.rule
      func shown(_ position: Int) -> String {
        let column = columns[position]
        guard let index = column.valueIndex(atRow: Int(problem.row)) else { return "" }
        let text = column.values.text(at: index, type: column.type)
        return Array(text.utf8).withUnsafeBytes { retention.showing($0) }
      }
      return "\(rule.name): \(rule.left) (\(shown(comparison.left))) is not "
        + "\(rule.comparison.rawValue) \(rule.right) (\(shown(comparison.right)))"
    }
    let rule = plans[problem.column].rule
    guard let field = found[problem.column], problem.index != Column.null else {
      return "\(rule.name): a value is required"
    }
    let text = field.values.text(at: Int(problem.index), type: field.type)
    return "\(rule.name): "
      + Array(text.utf8).withUnsafeBytes { problem.defect.reason(for: rule, $0, retention) }
  }

  private func checkContradictions(
    _ problems: [Problem], _ found: [Column?], _ origins: RejectOrigins
  ) throws(TypeContradiction) {
    let first = problems.filter { $0.column < plans.count && $0.defect.contradictsType }
      .min { ($0.row, $0.column) < ($1.row, $1.column) }
    guard let first, let field = found[first.column] else { return }
    let chunkRow = origins.rowNumbers?[Int(first.row)] ?? first.row
    let text = field.values.text(at: Int(first.index), type: field.type)
    throw TypeContradiction(
      value: Array(text.utf8), column: plans[first.column].rule.name,
      line: origins.origins.line(ofRow: Int(chunkRow)), columns: plans.map(\.rule),
      retention: retention)
  }

  // MARK: User's transform

  private func apply(
    _ transform: @Sendable (RecordBatch) throws -> RecordBatch, to batch: RecordBatch
  ) throws -> RecordBatch {
    let result = try transform(batch)
    guard result.rowCount == batch.rowCount else {
      throw TransformError.rowCountChanged(given: batch.rowCount, returned: result.rowCount)
    }
    func described(_ batch: RecordBatch) -> [String] {
      batch.columns.map { "\($0.name) \($0.type)" }
    }
    guard described(result) == described(batch) else {
      throw TransformError.columnsChanged(expected: described(batch), returned: described(result))
    }
    return result
  }
}

extension ValueDefect {
  /// What was expected of a field and what was found.
  func reason(
    for rule: ColumnRule, _ field: UnsafeRawBufferPointer, _ retention: RawRetention
  ) -> String {
    let shown = retention.showing(field)
    switch self {
    case .none, .null, .required: return "a value is required, found \(shown)"
    case .notOfType:
      if let format = rule.format { return "\(shown) is no \(rule.type) in the format '\(format)'" }
      return "\(shown) is not \(rule.type.withArticle)"
    case .outOfRange: return "\(shown) is out of range for \(rule.type.withArticle)"
    case .surplusDigits:
      return "\(shown) has more digits after the point than \(rule.type.withArticle) holds"
    case .withoutOffset:
      return "\(shown) has no offset from UTC, and source.timezone does not name a zone"
    case .withOffset:
      return "\(shown) has an offset from UTC, which \(rule.type.withArticle) cannot keep"
    case .belowMinimum: return "\(shown) is less than \(rule.minimum ?? "")"
    case .aboveMaximum: return "\(shown) is greater than \(rule.maximum ?? "")"
    case .notAllowed:
      let allowed = rule.oneOf.prefix(10).joined(separator: ", ")
      return "\(shown) is not one of \(allowed)" + (rule.oneOf.count > 10 ? ", …" : "")
    case .patternMismatch: return "\(shown) does not match '\(rule.pattern ?? "")'"
    case .tooLong: return "\(shown) is longer than \(rule.maxLength ?? 0) characters"
    }
  }
}

extension ColumnPlan.Problem {
  /// The path of the part at fault, as a job file has it.
  func path(inColumn name: String) -> String {
    key.hasPrefix("source.") ? key : "columns[\(name)].\(key)"
  }
}

extension [ColumnRule] {
  /// The source's columns that some rule names.
  var namedSourceColumns: Set<String> {
    var names = Set<String>()
    for rule in self {
      if case .fields(let fields) = rule.origin { names.formUnion(fields) }
    }
    return names
  }

  /// Checks that the source has every column that a rule names.
  func checkSources(in layout: SourceLayout) throws(TransformError) {
    let available = Set(layout.columns)
    var missing: [TransformError.MissingColumn] = []
    for rule in self {
      guard case .fields(let names) = rule.origin else { continue }
      for name in names where !available.contains(name) {
        missing.append(
          TransformError.MissingColumn(
            name: name, target: rule.name,
            nearest: NearestName.of(name, among: layout.columns)))
      }
    }
    if !missing.isEmpty { throw .missingColumns(missing) }
  }
}
