/// How a job's source is found and parsed.
public struct SourceOptions: Sendable, Hashable, Codable {
  /// A path or glob, relative to the job file, or nil when the source is given otherwise.
  public var path: String?
  /// What separates fields, or nil to detect it.
  public var delimiter: String?
  /// Where column names come from.
  public var header: HeaderRule
  /// Column names when the source has no header.
  public var names: [String]
  /// Lines before the header that are passed over.
  public var skipLines: Int
  /// The encoding of the text.
  public var encoding: TextEncoding
  /// The RFC 4180 quote character, one of ASCII, or nil when quoting is off.
  public var quote: String?
  /// Whether, when `quote` is nil, the first rows decide if fields are quoted with `"`.
  public var detectsQuote: Bool
  /// Fields that mean "no value", compared after trimming, also where a column keeps its white space.
  public var nulls: [String]
  /// The decimal point of numbers, one ASCII character.
  public var decimal: String
  /// The ASCII character between groups of three digits before the point, or nil when there is none.
  public var thousands: String?
  /// IANA name of the time zone of local timestamps, or nil when the job needs none. A local time
  /// that its clocks skipped is moved forward by the gap; one they showed twice is the first.
  public var timezone: String?
  /// What to do with columns of the source that the job does not name.
  public var extraColumns: ExtraColumns
  /// The longest field that is not malformed, in bytes.
  public var maximumFieldBytes: Int

  /// Makes options; the defaults are the job file's.
  public init(
    path: String? = nil, delimiter: String? = nil, header: HeaderRule = .normalize,
    names: [String] = [], skipLines: Int = 0, encoding: TextEncoding = .utf8,
    quote: String? = nil, detectsQuote: Bool = false, nulls: [String] = [""], decimal: String = ".",
    thousands: String? = nil, timezone: String? = nil, extraColumns: ExtraColumns = .ignore,
    maximumFieldBytes: Int = 16 << 20
  ) {
    self.path = path
    self.delimiter = delimiter
    self.header = header
    self.names = names
    self.skipLines = skipLines
    self.encoding = encoding
    self.quote = quote
    self.detectsQuote = detectsQuote
    self.nulls = nulls
    self.decimal = decimal
    self.thousands = thousands
    self.timezone = timezone
    self.extraColumns = extraColumns
    self.maximumFieldBytes = maximumFieldBytes
  }
}

/// Where column names come from.
public enum HeaderRule: String, Sendable, Hashable, Codable, CaseIterable {
  /// From the header, in lower case with underscores: `Surat Pengantar Barang` becomes
  /// `surat_pengantar_barang`.
  case normalize
  /// From the header, unchanged.
  case asIs = "as_is"
  /// From the job; the source has no header.
  case none
}

/// What to do with columns of the source that the job does not name.
public enum ExtraColumns: String, Sendable, Hashable, Codable, CaseIterable {
  /// They are read into the chunks but not loaded.
  case ignore
  /// The run does not start.
  case error
  /// They are loaded as text, into columns added to the target.
  case add
  /// They are loaded together as one JSON object into the column `extra`.
  case json
}
