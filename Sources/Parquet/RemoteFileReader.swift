/// Reads a Parquet file from a ``ByteRangeSource`` with few requests.
///
/// Opening it reads the file's end: one request, or a second one if the footer is longer than
/// `tailByteCount`. Rows are then read by plan: what page indexes and bloom filters are needed for all row
/// groups first (often in the tail already), then, for each row group that may have chosen rows, its ranges,
/// those joined that have at most `gap` bytes between them.
///
/// Like ``FileReader``, it is safe to use on any bytes and may be shared between tasks.
public struct RemoteFileReader: Sendable {
  /// The bytes between two ranges up to which reading them costs less than another request does:
  /// 1 MiB, about what a store sends in the time it takes to answer.
  public static let defaultGap = 1 << 20
  /// Bytes of a file's end that are read at first: 64 KiB, enough for most footers.
  public static let defaultTailByteCount = 1 << 16

  /// What the footer says. Bloom filters whose length it does not state are left out: to find them would
  /// take a request more.
  public let metadata: FileMetadata

  private let source: any ByteRangeSource
  private let limits: ReaderLimits
  private let gap: Int
  /// The file's end, as far as it was read.
  private let tail: FetchedRanges

  /// Reads the footer of a file.
  ///
  /// - Parameters:
  ///   - source: The file.
  ///   - limits: What to accept at most.
  ///   - tailByteCount: How many bytes of its end to read at first.
  ///   - gap: Ranges with at most so many bytes between them are read as one.
  /// - Throws: ``ParquetError`` if it is not a finished, valid Parquet file, or what the source throws.
  public init(
    source: some ByteRangeSource, limits: ReaderLimits = ReaderLimits(),
    tailByteCount: Int = defaultTailByteCount, gap: Int = defaultGap
  ) async throws {
    let end = try await source.readTail(max(tailByteCount, FileReader.tailByteCount))
    guard end.bytes.bytes.count <= end.fileByteCount else {
      throw ParquetError(
        .inputOutput, expected: "at most the file's \(end.fileByteCount) bytes",
        found: "\(end.bytes.bytes.count)")
    }
    var tail = FetchedRanges(fileByteCount: end.fileByteCount)
    tail.add(end.bytes, at: end.fileByteCount - end.bytes.bytes.count)
    let footer = try FileReader.footerRange(of: .fetched(tail), limits: limits)
    if !tail.contains(footer) {
      tail.add(try await Self.fetch([footer], from: source, fileByteCount: end.fileByteCount))
    }
    var metadata = try FileReader.readFooter(of: .fetched(tail), at: footer)
    for group in metadata.rowGroups.indices {
      for column in metadata.rowGroups[group].columns.indices
      where metadata.rowGroups[group].columns[column].bloomFilter?.byteCount ?? 1 <= 0 {
        metadata.rowGroups[group].columns[column].bloomFilter = nil
      }
    }
    self.metadata = metadata
    self.source = source
    self.limits = limits
    self.gap = max(gap, 0)
    self.tail = tail
  }

  // MARK: Requests

  /// Reads ranges that have gaps between them.
  private static func fetch(
    _ ranges: [Range<Int>], from source: some ByteRangeSource, fileByteCount: Int
  ) async throws -> FetchedRanges {
    let storages = try await source.read(ranges)
    guard storages.count == ranges.count else {
      throw ParquetError(
        .inputOutput, expected: "the bytes of \(ranges.count) ranges",
        found: "those of \(storages.count)")
    }
    var fetched = FetchedRanges(fileByteCount: fileByteCount)
    for (range, storage) in zip(ranges, storages) {
      guard storage.bytes.count == range.count else {
        throw ParquetError(
          .inputOutput, expected: "\(range.count) bytes", found: "\(storage.bytes.count)",
          offset: range.lowerBound)
      }
      fetched.add(storage, at: range.lowerBound)
    }
    return fetched
  }

  /// A reader that has these ranges, of which those in the tail are not read again.
  private func reader(of ranges: [Range<Int>]) async throws -> FileReader {
    // Chunks of some old writers are longer than stated.
    let slack = metadata.uncountedByteCount
    let whole = ranges.filter { !$0.isEmpty }.map {
      $0.lowerBound..<max($0.upperBound, min($0.upperBound + slack, tail.fileByteCount))
    }
    let missing = whole.filter { !tail.contains($0) }.coalesced(gap: gap)
    var fetched = tail
    if !missing.isEmpty {
      fetched.add(
        try await Self.fetch(missing, from: source, fileByteCount: tail.fileByteCount))
    }
    return FileReader(metadata: metadata, source: .fetched(fetched), limits: limits)
  }

  // MARK: Columns

  /// Reads one column of a row group, with one request. See ``FileReader/readColumn(_:rowGroup:verifyChecksums:scratch:)``.
  ///
  /// - Parameters:
  ///   - column: Position in the schema.
  ///   - rowGroup: Position in the file.
  ///   - verifyChecksums: Whether to hold pages against their CRC-32, where they have one.
  /// - Throws: ``ParquetError``, or what the source throws.
  public func readColumn(
    _ column: Int, rowGroup: Int, verifyChecksums: Bool = true
  ) async throws -> ColumnVector {
    var ranges: [Range<Int>] = []
    if metadata.rowGroups.indices.contains(rowGroup), metadata.leaves.indices.contains(column) {
      let group = metadata.rowGroups[rowGroup]
      let part = ColumnPart(
        of: group.columns[column], nil, wanted: RowRanges(), rowCount: Int(group.rowCount))
      ranges = part.byteRanges
    }
    return try await reader(of: ranges).readColumn(
      column, rowGroup: rowGroup, verifyChecksums: verifyChecksums)
  }

  // MARK: Rows

  /// Reads the rows for which `predicate` is true, a row group at a time. See
  /// ``FileReader/rows(where:columns:rowGroups:options:scratch:)``.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if predicate, columns or row groups do not fit the file.
  public func rows(
    where predicate: RowPredicate? = nil, columns: [String]? = nil, rowGroups: [Int]? = nil,
    options: RowReadOptions = RowReadOptions()
  ) throws(ParquetError) -> RemoteRowBatches {
    RemoteRowBatches(
      reader: self,
      planner: try ReadPlanner(
        metadata, where: predicate, columns: columns, rowGroups: rowGroups, options: options))
  }

  /// Finds what must be read for the rows for which `predicate` is true. See
  /// ``FileReader/plan(where:columns:rowGroups:options:)``.
  ///
  /// - Throws: ``ParquetError``, or what the source throws.
  public func plan(
    where predicate: RowPredicate? = nil, columns: [String]? = nil, rowGroups: [Int]? = nil,
    options: RowReadOptions = RowReadOptions()
  ) async throws -> ReadPlan {
    try await plan(
      ReadPlanner(
        metadata, where: predicate, columns: columns, rowGroups: rowGroups, options: options))
  }

  func plan(_ planner: ReadPlanner) async throws -> ReadPlan {
    var ranges: [Range<Int>] = []
    let size = tail.fileByteCount
    for group in planner.rowGroups where planner.match(group) == .some {
      let columns = metadata.rowGroups[group].columns
      for column in planner.filterColumns(group) {
        if let part = columns[column].bloomFilter {
          ranges.append(try part.range(in: size, "a bloom filter"))
        }
      }
      for column in planner.indexColumns(group) {
        if let part = columns[column].offsetIndex {
          ranges.append(try part.range(in: size, "an offset index"))
        }
        if let part = columns[column].columnIndex {
          ranges.append(try part.range(in: size, "a column index"))
        }
      }
    }
    let reader = try await reader(of: ranges)
    var groups: [ReadPlan.RowGroup] = []
    for group in planner.rowGroups {
      if let plan = try reader.plan(planner, group) { groups.append(plan) }
    }
    return ReadPlan(rowGroups: groups)
  }

  /// Reads the chosen rows of a row group; nil if there are none.
  func read(_ plan: ReadPlan.RowGroup, _ planner: ReadPlanner) async throws -> RowBatch? {
    try await reader(of: plan.byteRanges).read(plan, planner, DecoderScratch())
  }
}

/// The rows of a remote file that a ``RowPredicate`` chooses, a row group at a time. Get them from
/// ``RemoteFileReader/rows(where:columns:rowGroups:options:)``.
public struct RemoteRowBatches: AsyncSequence, Sendable {
  /// Rows of one row group.
  public typealias Element = RowBatch

  let reader: RemoteFileReader
  let planner: ReadPlanner

  /// Reads row group after row group.
  public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
    let reader: RemoteFileReader
    let planner: ReadPlanner
    var plans: ArraySlice<ReadPlan.RowGroup>?

    /// Reads the next row group that has chosen rows; nil after the last.
    ///
    /// - Throws: ``ParquetError``, or what the source throws.
    public mutating func next() async throws -> RowBatch? {
      var rest: ArraySlice<ReadPlan.RowGroup>
      if let plans { rest = plans } else { rest = try await reader.plan(planner).rowGroups[...] }
      while let plan = rest.popFirst() {
        plans = rest
        if let batch = try await reader.read(plan, planner) { return batch }
      }
      plans = rest
      return nil
    }
  }

  /// Makes an iterator, which reads nothing yet.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(reader: reader, planner: planner)
  }
}
