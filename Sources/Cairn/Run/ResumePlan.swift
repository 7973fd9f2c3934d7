/// What a resume of a run would do.
public struct ResumePlan: Sendable, Hashable, Codable {
  /// Committed chunks: skipped.
  public var committedChunks: Int
  /// Rows in them.
  public var committedRows: Int
  /// Chunks whose files are sound but that are not committed: read from their files.
  public var storedChunks: Int
  /// Rows in them.
  public var storedRows: Int
  /// Offset in decompressed bytes from which on the source is read, where neither ledger nor files
  /// have it.
  public var sourceOffset: UInt64
  /// Whether the source is not needed any more.
  public var isConverted: Bool

  /// Decides, from what is committed and what is stored, what is left. Pure.
  ///
  /// - Parameters:
  ///   - ledger: The committed chunks.
  ///   - stored: The sound chunk files.
  ///   - end: The end of the source, if it is known.
  public init(ledger: [RecordedExtent], stored: [RecordedExtent], end: SourceEnd?) {
    committedChunks = ledger.count
    committedRows = ledger.reduce(0) { $0 + $1.extent.rows }
    let committed = Set(ledger.map(\.extent.chunk))
    let waiting = stored.filter { !committed.contains($0.extent.chunk) }
    storedChunks = waiting.count
    storedRows = waiting.reduce(0) { $0 + $1.extent.rows }
    let known = Dictionary(
      (ledger + waiting).map { ($0.extent.chunk, $0.extent) },
      uniquingKeysWith: { first, _ in first })
    var position = SourcePosition.start
    while let extent = known[position.chunk], extent.start == position { position = extent.end }
    sourceOffset = position.offset
    isConverted = end.map { position.chunk >= $0.position.chunk } ?? false
  }

  /// The plan of a run as ledger and folder are now.
  ///
  /// - Throws: ``SinkError``.
  public static func of(_ run: RunRecord, in sink: any Sink) async throws -> ResumePlan {
    let ledger = try await sink.ledger(of: run.syncID).map(\.source)
    var stored: [RecordedExtent] = []
    var end = run.end
    if let folder = run.new.checkpointDirectory {
      for chunk in ChunkFiles.list(folder) {
        // A damaged file counts as none: the resume reads the source instead.
        let file = try? ChunkFile.describe(FilePaths.join(folder, ChunkFileName.of(chunk)))
        guard let description = file?.description, description.run == run.syncID else { continue }
        stored.append(description.source)
        if description.isLast { end = SourceEnd(position: description.source.extent.end) }
      }
    }
    return ResumePlan(ledger: ledger, stored: stored, end: end)
  }
}
