/// A program's own rows as a source: record batches, made one by one.
///
/// Each batch is a chunk. After a crash the load asks for the batches from the first uncommitted one
/// on, so `batch` must give the same rows for the same number as long as `fingerprint` is the same.
///
/// ```swift
/// let source = BatchSource(name: "orders", fingerprint: "export-2025-01-29") { number in
///   let page = try await orders(page: number)
///   return page.isEmpty ? nil : try RecordBatch(rows: page)
/// }
/// ```
public struct BatchSource: Source {
  /// The source's name.
  public let name: String
  private let fingerprint: String
  private let batch: @Sendable (Int) async throws -> RecordBatch?

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - name: A short name for messages and the manifest.
  ///   - fingerprint: What tells this content from any other: an export's id, a query and its date.
  ///   - batch: Makes batch number 0, 1, 2…; nil after the last one. All have the same columns.
  public init(
    name: String, fingerprint: String,
    batch: @escaping @Sendable (_ number: Int) async throws -> RecordBatch?
  ) {
    self.name = name
    self.fingerprint = fingerprint
    self.batch = batch
  }

  /// True: batches can be made again.
  public var isRepeatable: Bool { true }

  /// The fingerprint; there is no path.
  public func identify() async throws -> SourceIdentity {
    SourceIdentity(
      fingerprint: "batches:\(fingerprint)", path: nil, size: nil, modifiedAt: nil)
  }

  /// The columns of the first batch.
  public func resolve() async throws -> SourceLayout {
    SourceLayout(columns: try await batch(0)?.columns.map(\.name) ?? [])
  }

  /// Reads from a batch on; `limits` do not apply, since the program sizes its batches.
  public func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    BatchReader(batch: batch, position: position)
  }

  /// Makes the recorded batches again and compares their digests.
  public func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int? {
    for (index, record) in recorded.enumerated() {
      guard let again = try await batch(record.extent.chunk),
        again.contentDigest == record.contentDigest
      else { return index }
    }
    return nil
  }
}

/// Asks for batch after batch, one ahead, so that the last one is known as such.
private actor BatchReader: ChunkReader {
  private let batch: @Sendable (Int) async throws -> RecordBatch?
  private var position: SourcePosition
  private var ahead: RecordBatch?
  private var hasStarted = false

  init(
    batch: @escaping @Sendable (Int) async throws -> RecordBatch?, position: SourcePosition
  ) {
    self.batch = batch
    self.position = position
  }

  func next() async throws -> UnparsedChunk? {
    if !hasStarted {
      ahead = try await batch(position.chunk)
      hasStarted = true
    }
    guard let current = ahead else { return nil }
    ahead = try await batch(position.chunk + 1)
    let rows = UInt64(current.rowCount)
    // A source without bytes counts rows instead: offsets and lines advance by one a row.
    let end = SourcePosition(
      chunk: position.chunk + 1, offset: position.offset + rows, row: position.row + rows,
      line: position.line + rows)
    let extent = ChunkExtent(start: position, end: end)
    position = end
    return UnparsedChunk(extent: extent, byteCount: 0, isLast: ahead == nil) {
      SourceChunk(
        extent: extent, contentDigest: current.contentDigest, batch: current, malformed: [],
        origins: RowOrigins(
          byteOffsets: Array(0..<UInt32(current.rowCount)), lineOffsets: nil,
          firstRowLine: extent.start.line))
    }
  }

  func verifyUnchanged() async throws {}
}

extension RecordBatch {
  /// SHA-256 of names, types and values, independent of how values are coded, in lower-case
  /// hexadecimal.
  var contentDigest: String {
    var digest = ContentDigest()
    for column in columns {
      digest.update("\(column.name)\u{1F}\(column.type)\u{1E}".utf8)
      let texts = (0..<column.values.count).map {
        Array(column.values.text(at: $0, type: column.type).utf8)
      }
      for row in 0..<column.rowCount {
        guard let index = column.valueIndex(atRow: row) else {
          digest.update([0])
          continue
        }
        // Length first, so that no two rows of values have the same bytes.
        digest.update("\(texts[index].count):".utf8)
        digest.update(texts[index])
      }
    }
    return digest.hexadecimal
  }
}
