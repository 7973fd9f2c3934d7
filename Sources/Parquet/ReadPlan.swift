/// What of a file must be read for some columns and rows: found before anything of it is.
public struct ReadPlan: Sendable {
  /// A row group of which something must be read.
  public struct RowGroup: Sendable {
    /// Its position in the file.
    public let index: Int
    /// Which of its rows are chosen, as far as statistics tell; never ``RowMatch/none``.
    public let match: RowMatch
    /// The rows that may be chosen, counted from the start of the row group, in ascending order.
    public var candidateRows: [Range<Int>] { rows.ranges }
    /// The bytes of the file to be read, in ascending order.
    public let byteRanges: [Range<Int>]

    let rows: RowRanges
    /// The parts of tested and of wanted columns, by position in the schema.
    let parts: [Int: ColumnPart]
    let indexes: [Int: PageIndex]
  }

  /// The row groups that may have chosen rows, in file order; the others are passed over.
  public let rowGroups: [RowGroup]

  /// How many rows may be chosen.
  public var candidateRowCount: Int { rowGroups.reduce(0) { $0 + $1.rows.count } }

  /// The bytes of all row groups to be read, in ascending order, as few ranges.
  ///
  /// - Parameter gap: Two ranges with at most so many bytes between them are read as one.
  public func byteRanges(gap: Int = 0) -> [Range<Int>] {
    rowGroups.flatMap(\.byteRanges).coalesced(gap: gap)
  }

  /// How many bytes are to be read.
  public var byteCount: Int { byteRanges().reduce(0) { $0 + $1.count } }
}

/// How rows are read where a ``RowPredicate`` chooses them.
public struct RowReadOptions: Sendable, Hashable {
  /// Whether the page index, where there is one, is used to pass over pages. One that cannot be read, or
  /// contradicts the footer or a page that is read, is an error that names its place; without it the
  /// file's rows may still be read. It has no checksum: a changed bound that could be true is believed,
  /// and the rows it rules out are passed over.
  public var usesPageIndex: Bool
  /// Whether bloom filters, where there are any, are used to pass over row groups. One that cannot be read
  /// is an error that names its place. They have no checksum: a changed bit is believed.
  public var usesBloomFilters: Bool
  /// Whether pages are held against their CRC-32, where they have one.
  public var verifiesChecksums: Bool

  /// Makes options.
  public init(
    usesPageIndex: Bool = true, usesBloomFilters: Bool = true, verifiesChecksums: Bool = true
  ) {
    self.usesPageIndex = usesPageIndex
    self.usesBloomFilters = usesBloomFilters
    self.verifiesChecksums = verifiesChecksums
  }
}
