/// A value that is not of the type that was inferred for its column from earlier rows.
///
/// The run stops: nothing is lost. A job file with the columns suggested loads it all; one with the
/// columns as they were inferred goes on with the run and rejects such rows.
public struct TypeContradiction: Error, Sendable, Equatable, CustomStringConvertible {
  /// The column.
  public var column: String
  /// The type that was inferred for it.
  public var type: ColumnType
  /// The line of the source, from 1, that the row starts on.
  public var line: UInt64
  /// The value, in quotes and cut after 100 characters, unless rejects may not show values.
  public var value: String
  /// All columns, the contradicted one with a type that holds the value.
  public var suggestion: [ColumnRule]

  init(
    value: [UInt8], column: String, line: UInt64, columns: [ColumnRule], retention: RawRetention
  ) {
    self.column = column
    self.line = line
    self.value = value.withUnsafeBytes { retention.showing($0) }
    var suggestion = columns
    type = columns.first { $0.name == column }?.type ?? .text
    if let index = suggestion.firstIndex(where: { $0.name == column }) {
      suggestion[index].type = Self.wider(type, for: value)
    }
    self.suggestion = suggestion
  }

  /// The narrowest type that holds both what `type` holds and the value.
  private static func wider(_ type: ColumnType, for value: [UInt8]) -> ColumnType {
    let candidates: [ColumnType]
    switch type {
    case .integer: candidates = [.bigint, .double]
    case .bigint, .numeric: candidates = [.double]
    case .date: candidates = [.timestamp]
    default: candidates = []
    }
    for candidate in candidates {
      guard
        let plan = try? ColumnPlan(
          ColumnRule(name: "value", type: candidate), source: SourceOptions(nulls: [])),
        let output = try? plan.parser.parse(
          .init([String(decoding: value, as: UTF8.self)]), nulls: nil, trims: true)
      else { continue }
      if output.states == nil { return candidate }
    }
    return .text
  }

  /// What happened, and the lines to paste into a job file.
  public var description: String {
    "\(finding) Nothing is lost. Put these lines into a job file and run again with --job:\n"
      + JobFile.render(columns: suggestion)
  }

  var finding: String {
    "column '\(column)' was taken for \(type.withArticle) from its first rows, but line \(line) has "
      + "\(value)."
  }
}
