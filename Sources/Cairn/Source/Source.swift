/// Where rows come from: a file, standard input, or a program's own supplier of record batches.
///
/// A source is read in chunks, from any position at which a chunk ended before, and always yields
/// the same chunks for the same layout and limits. `CairnTesting` has a conformance battery.
public protocol Source: Sendable {
  /// A short name for messages and the manifest, for example the file's name.
  var name: String { get }

  /// Whether the source can be read again, from any position; false for standard input, which is
  /// read once, from its start.
  var isRepeatable: Bool { get }

  /// Who the source is, found out cheaply: its content's fingerprint, path, size and modification
  /// time. A source that is not repeatable is asked after it was read to its end, and then knows the
  /// digest of its content: ``SourceIdentity/content(digest:)``.
  ///
  /// - Throws: ``SourceError`` when it is missing or unreadable.
  func identify() async throws -> SourceIdentity

  /// Finds out delimiter, header and columns: all that a later attempt must not derive again.
  ///
  /// - Throws: ``SourceError`` when there is no header, the source is empty, a folder, truncated…
  func resolve() async throws -> SourceLayout

  /// Starts reading at `position`, in chunks of at most `limits`.
  func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader

  /// Compares the source with chunks read from it earlier, by the digest of their bytes.
  ///
  /// - Parameter recorded: Extents in ascending order, with the digest each had.
  /// - Returns: The position in `recorded` of the first that differs, or nil when all agree.
  func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int?
}

/// Reads a source chunk by chunk, in order.
public protocol ChunkReader: Sendable {
  /// The next chunk, not parsed yet, or nil at the end of the source.
  ///
  /// - Throws: ``SourceError`` when the source cannot be read on (a truncated gzip file…).
  func next() async throws -> UnparsedChunk?

  /// Checks, at the end, that the source did not grow or change while it was read.
  ///
  /// - Throws: ``SourceError/changedWhileRead(path:detail:)``.
  func verifyUnchanged() async throws
}

/// A chunk's bytes, cut from the source but not parsed: parsing may run on any thread.
public struct UnparsedChunk: Sendable {
  /// Where the chunk lies and how many rows it has.
  public var extent: ChunkExtent
  /// Memory the bytes take, in bytes.
  public var byteCount: Int
  /// Whether these bytes are the last of the source.
  public var isLast: Bool
  /// How many of the source's stored (perhaps compressed) bytes were read to get here, or nil where
  /// there are none: what progress is measured by.
  public var storedOffset: UInt64?
  /// Parses the bytes.
  public var parse: @Sendable () throws -> SourceChunk

  /// Makes a chunk from its extent and the function that parses it.
  public init(
    extent: ChunkExtent, byteCount: Int, isLast: Bool, storedOffset: UInt64? = nil,
    parse: @escaping @Sendable () throws -> SourceChunk
  ) {
    self.extent = extent
    self.byteCount = byteCount
    self.isLast = isLast
    self.storedOffset = storedOffset
    self.parse = parse
  }
}
