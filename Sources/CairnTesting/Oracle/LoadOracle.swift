/// Says what a target must hold after loads of delimited text, slowly and plainly.
///
/// It shares no code with Cairn: rows are cut by bytes, kept in a dictionary by their key, all columns
/// are text. One rule decides: the last row of a key in file order wins. A table is carried from load
/// to load, so that a week of files can be asked about.
public struct LoadOracle: Sendable {
  /// What happens to rows whose key is in the target already.
  public enum Mode: String, Sendable, CaseIterable {
    /// The last row wins.
    case upsert
    /// Every row is inserted.
    case append
    /// Keys that were there before the load stay untouched.
    case insertOnly = "insert_only"
    /// The table holds just this load's rows.
    case replace
  }

  /// A row of the target, or a field of it without a value.
  public typealias Row = [String?]

  /// A row that must be among the rejects.
  public struct Rejected: Sendable, Hashable {
    /// Number of the row in its source, from 0.
    public var row: Int
    /// Number of its line, from 1.
    public var line: Int
    /// Offset of its first byte.
    public var byteOffset: Int
    /// `field_count`, `encoding`, `field_size` or `required`.
    public var rule: String
    /// Its bytes, without the line end.
    public var raw: [UInt8]
  }

  /// What one load must account for.
  public struct Account: Sendable, Hashable {
    /// Data rows of the source, rejects among them.
    public var read = 0
    /// Rows that the load added to the table.
    public var inserted = 0
    /// Rows that must be rejected, in file order.
    public var rejected: [Rejected] = []
  }

  /// How sources are written.
  public struct Format: Sendable, Hashable {
    /// What separates fields.
    public var delimiter: [UInt8]
    /// Fields that mean "no value".
    public var nulls: [String]
    /// The longest field that is not malformed, in bytes.
    public var maximumFieldBytes: Int

    /// Describes a format; the defaults are the sample's.
    public init(
      delimiter: [UInt8] = [0x7E, 0x5E], nulls: [String] = [""], maximumFieldBytes: Int = 16 << 20
    ) {
      self.delimiter = delimiter
      self.nulls = nulls
      self.maximumFieldBytes = maximumFieldBytes
    }
  }

  /// The target's columns, taken from the first source: its header in lower case, spaces made
  /// underscores.
  public private(set) var columns: [String] = []
  /// The target's rows: in the order of their keys' first arrival, or of arrival when there is none.
  public var rows: [Row] { order.compactMap { table[$0] } }

  private let key: [String]
  private let format: Format
  private var table: [Row: Row] = [:]
  private var order: [Row] = []

  /// An empty target.
  ///
  /// - Parameter key: Names of the key's columns; empty for append.
  public init(key: [String] = [SampleColumn.key], format: Format = Format()) {
    self.key = key
    self.format = format
  }

  /// Loads a source whole.
  ///
  /// - Returns: What the load must account for.
  /// - Throws: ``LoadOracleError`` when there is no header or it does not fit the table.
  @discardableResult
  public mutating func load(_ source: [UInt8], mode: Mode) throws(LoadOracleError) -> Account {
    var lines = Self.lines(of: source)
    guard !lines.isEmpty else { throw .noHeader }
    let header = try names(in: lines.removeFirst().bytes)
    if columns.isEmpty { columns = header }
    guard columns == header else { throw .otherColumns(found: header, expected: columns) }
    var keyPositions: [Int] = []
    for name in mode == .append ? [] : key {
      guard let position = columns.firstIndex(of: name) else { throw .noKeyColumn(name) }
      keyPositions.append(position)
    }

    let before = Set(table.keys)
    if mode == .replace {
      table = [:]
      order = []
    }
    let rowsBefore = table.count
    var account = Account()
    for (number, line) in lines.enumerated() {
      account.read += 1
      func reject(_ rule: String) {
        account.rejected.append(
          Rejected(
            row: number, line: number + 2, byteOffset: line.offset, rule: rule, raw: line.bytes))
      }
      let fields = Self.split(line.bytes, at: format.delimiter)
      guard fields.count == columns.count else {
        reject("field_count")
        continue
      }
      guard !fields.contains(where: { $0.count > format.maximumFieldBytes }) else {
        reject("field_size")
        continue
      }
      let texts = fields.map { String(validating: $0, as: UTF8.self) }
      guard !texts.contains(nil) else {
        reject("encoding")
        continue
      }
      let row: Row = texts.map { text in
        guard let text, !format.nulls.contains(text) else { return nil }
        return text
      }
      guard keyPositions.allSatisfy({ row[$0] != nil }) else {
        reject("required")
        continue
      }
      // Without a key each row is its own.
      let identity: Row =
        mode == .append ? ["row \(order.count)"] : keyPositions.map { row[$0] }
      if mode == .insertOnly, before.contains(identity) { continue }
      if table.updateValue(row, forKey: identity) == nil { order.append(identity) }
    }
    account.inserted = table.count - rowsBefore
    return account
  }

  private func names(in header: [UInt8]) throws(LoadOracleError) -> [String] {
    var names: [String] = []
    for field in Self.split(header, at: format.delimiter) {
      guard let text = String(validating: field, as: UTF8.self) else { throw .noHeader }
      names.append(text.lowercased().split(separator: " ").joined(separator: "_"))
    }
    return names
  }

  /// Lines without their ends, which are LF or CRLF; the last one need not have one.
  private static func lines(of source: [UInt8]) -> [(offset: Int, bytes: [UInt8])] {
    var lines: [(offset: Int, bytes: [UInt8])] = []
    var start = 0
    while start < source.count {
      let end = source[start...].firstIndex(of: 0x0A) ?? source.count
      var bytes = Array(source[start..<end])
      if bytes.last == 0x0D { bytes.removeLast() }
      lines.append((start, bytes))
      start = end + 1
    }
    return lines
  }

  private static func split(_ line: [UInt8], at delimiter: [UInt8]) -> [[UInt8]] {
    var fields: [[UInt8]] = []
    var field: [UInt8] = []
    var position = 0
    while position < line.count {
      if line[position] == delimiter[0], line[position...].starts(with: delimiter) {
        fields.append(field)
        field = []
        position += delimiter.count
      } else {
        field.append(line[position])
        position += 1
      }
    }
    fields.append(field)
    return fields
  }
}

/// Why the oracle cannot say anything.
public enum LoadOracleError: Error, Hashable, CustomStringConvertible {
  /// The source has no header in UTF-8.
  case noHeader
  /// The header is not that of the table.
  case otherColumns(found: [String], expected: [String])
  /// The header lacks a column of the key.
  case noKeyColumn(String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .noHeader: "the source has no header in UTF-8"
    case .otherColumns(let found, let expected):
      "the source has the columns \(found.joined(separator: ", ")) where the table has "
        + expected.joined(separator: ", ")
    case .noKeyColumn(let name): "the source has no column '\(name)', which is part of the key"
    }
  }
}
