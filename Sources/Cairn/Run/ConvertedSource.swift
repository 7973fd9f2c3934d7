/// Standard input once all of it lies in chunk files.
struct ConvertedInput: Sendable {
  let folder: String
  let syncID: SyncID
  let identity: SourceIdentity
  let layout: SourceLayout
  let limits: ChunkLimits

  func path(_ chunk: Int) -> String { FilePaths.join(folder, ChunkFileName.of(chunk)) }

  func extents() throws -> [RecordedExtent] {
    try ChunkFiles.list(folder).map { chunk in
      guard let found = try ChunkFile.describe(path(chunk)) else {
        throw ChunkFileError.damaged(path: path(chunk), detail: "it is gone")
      }
      return found.description.source
    }
  }
}

/// Chunk files as a source.
struct ConvertedSource: Source {
  let name: String
  let input: ConvertedInput

  var isRepeatable: Bool { true }

  func identify() async throws -> SourceIdentity { input.identity }

  func resolve() async throws -> SourceLayout { input.layout }

  func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    StoredChunkReader(input: input, next: position.chunk)
  }

  func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int? {
    let own = try input.extents()
    return recorded.indices.first { $0 >= own.count || own[$0] != recorded[$0] }
  }
}

/// Reads chunk files in order.
private actor StoredChunkReader: ChunkReader {
  private let input: ConvertedInput
  private var chunk: Int

  init(input: ConvertedInput, next: Int) {
    self.input = input
    chunk = next
  }

  func next() async throws -> UnparsedChunk? {
    let path = input.path(chunk)
    guard let description = try ChunkFile.describe(path)?.description else { return nil }
    chunk += 1
    return UnparsedChunk(
      extent: description.source.extent, byteCount: Int(description.source.extent.bytes),
      isLast: description.isLast
    ) { try ChunkFile.read(path, description) }
  }

  func verifyUnchanged() async throws {}
}
