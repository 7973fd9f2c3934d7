/// Yields a run's chunks in order, each from where it is cheapest: skipped when the ledger has it,
/// from its file when that is sound, otherwise cut from the source.
struct ChunkSupply {
  enum Chunk: Sendable {
    /// The chunk's file is sound.
    case stored(ChunkDescription, ChunkFileSummary)
    /// The chunk was cut from the source.
    case cut(UnparsedChunk)

    var extent: ChunkExtent {
      switch self {
      case .stored(let description, _): description.source.extent
      case .cut(let chunk): chunk.extent
      }
    }

    var isLast: Bool {
      switch self {
      case .stored(let description, _): description.isLast
      case .cut(let chunk): chunk.isLast
      }
    }

    /// How many of the source's stored bytes were read to get here, if it was read.
    var storedOffset: UInt64? {
      if case .cut(let chunk) = self { chunk.storedOffset } else { nil }
    }

    /// Memory the chunk takes while it is prepared, roughly, in bytes.
    var weight: Int {
      switch self {
      case .stored(let description, _): Int(description.source.extent.bytes)
      case .cut(let chunk): chunk.byteCount
      }
    }
  }

  private let run: SyncID
  private let layout: SourceLayout
  private let limits: ChunkLimits
  private let ledger: [Int: LedgerEntry]
  private let folder: ChunkFolder?
  private let source: SourceAccess
  private let journal: RunJournal

  private var position = SourcePosition.start
  private var reader: (any ChunkReader)?
  private var readerPosition = SourcePosition.start

  /// The end of the source, once known.
  private(set) var end: SourceEnd?
  /// Committed chunks that were passed over, with what became of their rows.
  private(set) var skipped: [LedgerEntry] = []
  /// Chunks whose file was unusable: they are read from the source again.
  private(set) var repaired: [Int] = []

  /// - Parameters:
  ///   - end: The end of the source, if the sink has it.
  ///   - ledger: The committed chunks.
  ///   - folder: The run's chunk files, if it has any.
  init(
    run: SyncID, layout: SourceLayout, limits: ChunkLimits, end: SourceEnd? = nil,
    ledger: [LedgerEntry] = [], folder: ChunkFolder?, source: SourceAccess,
    journal: RunJournal
  ) {
    self.run = run
    self.layout = layout
    self.limits = limits
    self.end = end
    self.ledger = Dictionary(uniqueKeysWithValues: ledger.map { ($0.chunk, $0) })
    self.folder = folder
    self.source = source
    self.journal = journal
  }

  /// The next chunk that is not committed, or nil at the end of the source.
  mutating func next() async throws -> Chunk? {
    while true {
      if let end, position.chunk >= end.position.chunk { return nil }
      if let entry = ledger[position.chunk] {
        try expect(entry.source.extent.start, of: "the ledger's chunk")
        position = entry.source.extent.end
        skipped.append(entry)
        continue
      }
      if let stored = try storedChunk() {
        position = stored.extent.end
        if stored.isLast { end = SourceEnd(position: position) }
        return stored
      }
      return try await cutChunk()
    }
  }

  private mutating func storedChunk() throws -> Chunk? {
    guard let folder else { return nil }
    let chunk = position.chunk
    do {
      guard let found = try folder.describe(chunk: chunk) else { return nil }
      guard found.description.source.extent.start == position else {
        throw ChunkFileError.foreign(
          path: folder.path(ofChunk: chunk),
          detail: "it starts at byte \(found.description.source.extent.start.offset), not"
            + " \(position.offset)")
      }
      return .stored(found.description, found.file)
    } catch let error as ChunkFileError {
      journal.chunkRejected(chunk, reason: "\(error)")
      try folder.keepAside(chunk: chunk)
      repaired.append(chunk)
      return nil
    }
  }

  private mutating func cutChunk() async throws -> Chunk? {
    var reading = reader
    if reading == nil || readerPosition != position {
      reading = try await source.open(layout, at: position, limits: limits)
      reader = reading
    }
    guard let reading, let chunk = try await reading.next() else {
      try await reader?.verifyUnchanged()
      end = SourceEnd(position: position)
      return nil
    }
    try expect(chunk.extent.start, of: "the source's chunk")
    position = chunk.extent.end
    readerPosition = position
    if chunk.isLast {
      // Before the end is marked: a source that grew while it was read may end in a torn row.
      try await reading.verifyUnchanged()
      end = SourceEnd(position: position)
    }
    return .cut(chunk)
  }

  private func expect(_ start: SourcePosition, of what: String) throws {
    guard start == position else {
      throw LoadError.unreadableRun(
        run,
        detail: "\(what) \(position.chunk) starts at byte \(start.offset), row \(start.row), where"
          + " byte \(position.offset), row \(position.row) was expected")
    }
  }
}

/// Opens a run's source, but not before it is needed, and not unless it is still the same.
struct SourceAccess: Sendable {
  let run: SyncID
  /// Who the source was when the run began.
  let known: SourceIdentity
  let name: String
  let source: (any Source)?
  /// What the run read from the source so far.
  let recorded: @Sendable () async throws -> [RecordedExtent]
  /// Whether the run began just now, or its content was compared already.
  let isTrusted: Bool

  func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    guard let source else {
      throw LoadError.sourceNeeded(
        run, reason: "give it on the command line; it was '\(name)'")
    }
    if !isTrusted { try await verify(source, layout: layout) }
    return try await source.open(layout, at: position, limits: limits)
  }

  private func verify(_ source: any Source, layout: SourceLayout) async throws {
    let found: SourceIdentity
    do {
      found = try await source.identify()
    } catch let error as SourceError {
      throw LoadError.sourceNeeded(run, reason: "\(error)")
    }
    if found.path == known.path, found.size == known.size, found.modifiedAt == known.modifiedAt {
      return
    }
    // Sources that share a fingerprint are told apart by a number after it.
    let fingerprint = known.fingerprint.split(separator: "#").first.map(String.init)
    guard found.fingerprint == fingerprint else {
      throw LoadError.sourceChanged(
        run, detail: "its size or its first or last bytes are not what they were")
    }
    let extents = try await recorded()
    if let differing = try await source.firstDifference(from: extents, layout: layout) {
      throw LoadError.sourceChanged(
        run,
        detail: "the bytes of chunk \(extents[differing].extent.chunk) are not what they were")
    }
  }
}
