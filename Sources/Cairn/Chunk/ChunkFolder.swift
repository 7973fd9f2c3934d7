import Parquet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The folder of a run's chunk files.
struct ChunkFolder: Sendable {
  /// Its absolute path.
  let path: String
  /// The run that owns it.
  let run: SyncID
  /// Fingerprint of the run's source.
  let fingerprint: String
  /// SHA-256 of the resolved job.
  let jobDigest: String
  /// How chunk files are compressed.
  let compression: ChunkCompression
  let faults: FaultPoints
  /// Which encodings the run's first chunk found to be smallest.
  let encodings = EncodingChoices()
  private let scratches = EncoderScratchPool()

  func path(ofChunk chunk: Int) -> String { FilePaths.join(path, ChunkFileName.of(chunk)) }

  // MARK: Write

  /// Writes a chunk: aside, synced, renamed, the folder synced. Durable when it returns.
  func write(_ chunk: SourceChunk, isLast: Bool) throws -> ChunkFileSummary {
    try scratches.with { try write(chunk, isLast: isLast, scratch: $0) }
  }

  private func write(
    _ chunk: SourceChunk, isLast: Bool, scratch: EncoderScratch
  ) throws -> ChunkFileSummary {
    let number = chunk.extent.chunk
    let columns = chunk.batch.columns.map { ChunkColumn(name: $0.name, type: $0.type) }
    let description = ChunkDescription(
      run: run,
      source: RecordedExtent(extent: chunk.extent, contentDigest: chunk.contentDigest),
      firstRowLine: chunk.origins.firstRowLine, isLast: isLast, fingerprint: fingerprint,
      jobDigest: jobDigest, columns: columns)
    let final = path(ofChunk: number)
    // A name of its own keeps an overtaken process from writing into its successor's file.
    let (aside, descriptor) = try DurableFile.createAside(final + ".")
    defer { close(descriptor) }
    do {
      let output = ChunkFileOutput(descriptor: descriptor, path: aside)
      var writer = try FileWriter(
        output: output, schema: ChunkSchema.of(columns), options: options, scratch: scratch)
      try writer.writeRowGroup(ChunkVectors.vectors(of: chunk))
      faults.reach(.chunkPartlyWritten)
      let pages = (bytes: Int(writer.byteCount), digest: output.digestOfPages())
      let summary = try writer.finish(keyValues: [
        (ChunkDescription.key, description.text()),
        (ChunkChecksum.key, ChunkChecksum.placeholder),
      ])
      encodings.learn(from: summary)
      let sealed = try ChunkChecksum.seal(descriptor, path: aside, pages: pages)
      try DurableFile.sync(descriptor, path: aside)
      faults.reach(.chunkBeforeRename)
      try DurableFile.rename(aside, to: final)
      faults.reach(.chunkAfterRename)
      try DurableFile.syncFolder(path)
      return ChunkFileSummary(
        name: ChunkFileName.of(number), bytes: sealed.bytes, sha256: sealed.sha256)
    } catch {
      try? DurableFile.delete(aside)
      throw error
    }
  }

  private var options: WriterOptions {
    // Columns come with dictionaries of their own: looking for others would only cost time.
    var options = WriterOptions(codec: codec, buildsDictionaries: false)
    // Where size counts, the first chunk tries plain, dictionary and delta for each column; the
    // others follow it, which takes a quarter of the time.
    if compression == .zstd || compression == .gzip {
      options.encodingPolicy = encodings.areKnown ? .fast : .smallest
      options.columnEncodings = encodings.deltas
    }
    options.columnEncodings[ChunkSchema.line] = .deltaBinaryPacked
    options.columnEncodings[ChunkSchema.offset] = .deltaBinaryPacked
    return options
  }

  private var codec: Codec {
    switch compression {
    case .none: .uncompressed
    case .snappy: .snappy
    case .zstd: .zstd(level: 1)
    case .lz4: .lz4Raw
    case .gzip: .gzip
    }
  }

  // MARK: Read

  /// What a chunk's file says of itself, after its checksum was checked; nil when there is no file.
  ///
  /// - Throws: ``ChunkFileError`` when it is damaged or not this run's.
  func describe(chunk: Int) throws -> (description: ChunkDescription, file: ChunkFileSummary)? {
    let path = path(ofChunk: chunk)
    guard let found = try ChunkFile.describe(path) else { return nil }
    let description = found.description
    guard description.run == run, description.source.extent.chunk == chunk else {
      throw ChunkFileError.foreign(
        path: path,
        detail: "it says it is chunk \(description.source.extent.chunk) of \(description.run)")
    }
    return found
  }

  /// Reads a chunk back.
  func read(_ description: ChunkDescription) throws -> SourceChunk {
    try ChunkFile.read(path(ofChunk: description.source.extent.chunk), description)
  }

  /// Keeps a damaged file aside, so that it can be looked at.
  func keepAside(chunk: Int) throws {
    let path = path(ofChunk: chunk)
    try DurableFile.rename(path, to: path + ".damaged")
  }
}

/// Reading single chunk files.
enum ChunkFile {
  /// What the file at `path` says of itself, after its checksum was checked; nil when there is none.
  static func describe(
    _ path: String
  ) throws -> (description: ChunkDescription, file: ChunkFileSummary)? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw FileError("open", path)
    }
    defer { close(descriptor) }
    let sha256 = try ChunkChecksum.verify(descriptor, path: path)
    let metadata = try FileReader(path: path).metadata
    guard let text = metadata.keyValues.first(where: { $0.0 == ChunkDescription.key })?.1 else {
      throw ChunkFileError.damaged(path: path, detail: "its footer does not describe a chunk")
    }
    let description: ChunkDescription
    do {
      description = try ChunkDescription(text: text)
    } catch {
      throw ChunkFileError.damaged(path: path, detail: "its description cannot be read: \(error)")
    }
    guard description.format == ChunkDescription.currentFormat else {
      throw ChunkFileError.foreign(
        path: path,
        detail: "its description has format \(description.format); this cairn knows"
          + " \(ChunkDescription.currentFormat)")
    }
    let size = DurableFile.size(path) ?? 0
    return (
      description,
      ChunkFileSummary(name: FilePaths.name(of: path), bytes: size, sha256: sha256)
    )
  }

  /// Reads a chunk back, every column of it.
  static func read(_ path: String, _ description: ChunkDescription) throws -> SourceChunk {
    let reader = try FileReader(path: path)
    let expected = try ChunkSchema.of(description.columns).columns.map(\.name)
    let found = reader.metadata.schema.columns.map(\.name)
    guard expected == found, reader.metadata.rowGroups.count <= 1 else {
      throw ChunkFileError.damaged(path: path, detail: "its columns are not those it describes")
    }
    if reader.metadata.rowGroups.isEmpty {
      throw ChunkFileError.damaged(path: path, detail: "it has no rows")
    }
    let vectors = try expected.indices.map { try reader.readColumn($0, rowGroup: 0) }
    return try ChunkVectors.chunk(vectors, description: description, path: path)
  }
}
