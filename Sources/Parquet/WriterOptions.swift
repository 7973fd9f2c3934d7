/// How a ``FileWriter`` chooses a column's encoding when none is given for it.
public enum EncodingPolicy: Sendable, Hashable {
  /// A dictionary if it is smaller than plain before compression; else, for integers, deltas if a
  /// sample of two thousand values is smaller by a tenth after compression; else plain. Little work.
  case fast
  /// Plain, dictionary, delta or byte stream split, whichever is smallest after compression: plausible ones are
  /// tried on the chunk's first 64 KiB of values.
  case smallest
}

/// The layout of data pages (parquet.thrift, DataPageHeader and DataPageHeaderV2).
public enum DataPageVersion: Sendable, Hashable, CaseIterable {
  /// Every reader knows it.
  case v1
  /// Levels are not compressed, nor are values where that does not pay.
  case v2
}

/// How a ``FileWriter`` lays out and compresses a file.
public struct WriterOptions: Sendable, Hashable {
  /// How pages are compressed.
  public var codec: Codec
  /// How encodings are chosen.
  public var encodingPolicy: EncodingPolicy
  /// Encodings of single columns, by name, in place of a choice.
  public var columnEncodings: [String: Encoding]
  /// Whether a dictionary is made for columns that do not come with one, where it is smaller. A
  /// dictionary that comes with a column is used either way.
  public var buildsDictionaries: Bool
  /// The layout of data pages.
  public var dataPages: DataPageVersion
  /// About how many bytes a data page has before compression; one value may have more.
  public var pageByteLimit: Int
  /// A dictionary of more bytes is not written: the column becomes plain, or deltas where those are
  /// smaller. Not so for a column to which ``columnEncodings`` gives a dictionary.
  public var dictionaryByteLimit: Int
  /// Whether pages carry a CRC-32.
  public var checksums: Bool
  /// Whether the places and bounds of pages are written (PageIndex.md), so that readers can pass over
  /// pages. Row groups in which every column has one page need none and get none.
  public var pageIndex: Bool
  /// For the columns, by name, that get a bloom filter: which share of the values a column chunk does
  /// not have the filter may take for present, for example 0.01.
  public var bloomFilters: [String: Double]
  /// Who wrote the file, in the form `application version X (build Y)`.
  public var createdBy: String

  /// Makes options; the defaults suit fast, checked, interchangeable files.
  public init(
    codec: Codec = .snappy, encodingPolicy: EncodingPolicy = .fast,
    columnEncodings: [String: Encoding] = [:], buildsDictionaries: Bool = true,
    dataPages: DataPageVersion = .v1, pageByteLimit: Int = 1 << 20,
    dictionaryByteLimit: Int = 4 << 20, checksums: Bool = true,
    pageIndex: Bool = true, bloomFilters: [String: Double] = [:],
    createdBy: String = "cairn version 0.1.0 (build 0)"
  ) {
    self.codec = codec
    self.encodingPolicy = encodingPolicy
    self.columnEncodings = columnEncodings
    self.buildsDictionaries = buildsDictionaries
    self.dataPages = dataPages
    self.pageByteLimit = pageByteLimit
    self.dictionaryByteLimit = dictionaryByteLimit
    self.checksums = checksums
    self.pageIndex = pageIndex
    self.bloomFilters = bloomFilters
    self.createdBy = createdBy
  }
}

extension Encoding {
  /// Whether data pages of `type` can be written in this encoding.
  func writes(_ type: PhysicalType) -> Bool {
    switch self {
    case .plain: true
    case .rle: type == .boolean
    case .rleDictionary: type != .boolean
    case .deltaBinaryPacked: type == .int32 || type == .int64
    case .deltaLengthByteArray: type == .byteArray
    case .deltaByteArray: type == .byteArray || type == .fixedLengthByteArray
    case .byteStreamSplit: type != .boolean && type != .byteArray && type != .int96
    case .plainDictionary, .bitPacked: false
    }
  }
}
