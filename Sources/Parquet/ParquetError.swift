/// Why a Parquet file could not be read or written: what was expected, what was found, and where.
public struct ParquetError: Error, Sendable, Hashable {
  /// What sort of failure it is, for a program to tell apart.
  public enum Kind: String, Sendable, Hashable {
    /// The bytes are no finished Parquet file: magic or footer is missing or cut off.
    case notParquet = "not a finished Parquet file"
    /// The bytes contradict the format.
    case malformed = "malformed"
    /// A page's bytes do not have the checksum its header states.
    case checksumMismatch = "checksum mismatch"
    /// Valid, but a part of the format that this library does not handle.
    case unsupported = "unsupported"
    /// A size, count or depth is beyond what this library accepts.
    case limitExceeded = "limit exceeded"
    /// The schema or the options given to a writer do not make sense.
    case invalidSchema = "invalid schema"
    /// The values given to a writer do not fit its schema.
    case invalidValues = "invalid values"
    /// A row of a file and the Swift type it is read into, or the other way round, do not fit.
    case rowMismatch = "a row does not fit its type"
    /// The operating system refused to read or write.
    case inputOutput = "input/output"
    /// The call makes no sense in this state, for example a row group after `finish`.
    case misuse = "misuse"
  }

  /// What sort of failure it is.
  public var kind: Kind
  /// What should have been there.
  public var expected: String
  /// What was there.
  public var found: String
  /// The byte of the file (or of the decompressed page, then `expected` says so) it is about.
  public var offset: Int?
  /// The name of the column it is about.
  public var column: String?
  /// The row it is about, counted from 0 through the whole file, where rows are Swift values.
  public var row: Int?

  /// Makes an error from its parts.
  public init(
    _ kind: Kind, expected: String, found: String, offset: Int? = nil, column: String? = nil,
    row: Int? = nil
  ) {
    self.kind = kind
    self.expected = expected
    self.found = found
    self.offset = offset
    self.column = column
    self.row = row
  }

  /// The same error, said to be about `column` unless it names one already.
  func about(column: String) -> ParquetError {
    var copy = self
    if copy.column == nil { copy.column = column }
    return copy
  }
}

extension ParquetError: CustomStringConvertible {
  /// For example `Parquet: malformed: expected …, found … (byte 1234, column "status")`.
  public var description: String {
    var places: [String] = []
    if let offset { places.append("byte \(offset)") }
    if let row { places.append("row \(row)") }
    if let column { places.append("column \"\(column)\"") }
    let place = places.isEmpty ? "" : " (\(places.joined(separator: ", ")))"
    return "Parquet: \(kind.rawValue): expected \(expected), found \(found)\(place)"
  }
}
