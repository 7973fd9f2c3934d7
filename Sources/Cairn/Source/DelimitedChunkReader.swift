/// Reads delimited text chunk by chunk, on a thread of its own.
actor DelimitedChunkReader: ChunkReader {
  private let executor = BlockingExecutor(label: "cairn.source")
  private let name: String
  private let layout: SourceLayout
  private let position: SourcePosition
  private let limits: ChunkLimits
  private let input: any DelimitedInput
  private var cutter: RowCutter?
  private var parsers: RowParserPool?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(
    _ input: any DelimitedInput, name: String, layout: SourceLayout, position: SourcePosition,
    limits: ChunkLimits
  ) {
    self.input = input
    self.name = name
    self.layout = layout
    self.position = position
    self.limits = limits
  }

  /// Goes to the position to read from.
  func start() throws(SourceError) {
    guard let text = layout.text, let delimiter = Delimiter(text.delimiter) else {
      throw .notDelimitedText(path: name)
    }
    let stream = try input.stream(at: position.offset, compression: text.compression)
    cutter = RowCutter(
      stream, path: name, text: text, delimiter: delimiter, columns: layout.columns.count,
      at: position, limits: limits)
    parsers = RowParserPool(columns: layout.columns, layout: text, delimiter: delimiter)
  }

  func next() throws -> UnparsedChunk? {
    guard let parsers, let chunk = try cutter?.next() else { return nil }
    return UnparsedChunk(
      extent: chunk.extent, byteCount: chunk.byteCount, isLast: chunk.isLast,
      storedOffset: cutter?.storedOffset,
      parse: { try parsers.parse(chunk) })
  }

  func verifyUnchanged() throws {
    try input.verifyUnchanged()
  }
}

/// Where the bytes of delimited text come from.
protocol DelimitedInput: Sendable {
  /// The decompressed bytes from `offset` on.
  func stream(
    at offset: UInt64, compression: SourceCompression
  ) throws(SourceError) -> any ByteStream

  /// Checks that the bytes are those there were when reading began.
  func verifyUnchanged() throws(SourceError)
}
