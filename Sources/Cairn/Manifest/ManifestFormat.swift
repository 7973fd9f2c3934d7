#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The manifest as JSON: the fields that the checkpoint design names, a line a chunk.
enum ManifestFormat {
  // MARK: Write

  static func write(_ manifest: Manifest) -> [UInt8] {
    var text = JSONText()
    text.open()
    text.field("format_version", Manifest.currentFormat)
    text.field("sync_id", manifest.syncID.description)
    text.field("source_file", manifest.sourceFile)
    text.field("source_path", manifest.sourcePath)
    text.field("file_size_bytes", manifest.fileSizeBytes)
    text.field("total_chunks", manifest.totalChunks)
    text.field("chunks_known", manifest.knownTotal)
    text.field("chunk_size", manifest.chunkSize)
    text.field("status", manifest.status.rawValue)
    text.field("phase", manifest.phase)
    text.field("created_at", manifest.createdAt)
    text.field("updated_at", manifest.updatedAt)
    text.field("attempt", manifest.attempt)
    text.field("error", manifest.error)
    text.field("failed_at", manifest.failedAt)
    text.field("source_fingerprint", manifest.sourceFingerprint)
    text.field("job_digest", manifest.jobDigest)
    text.field("job", manifest.job)
    text.field("table", manifest.table)
    text.field("sink", manifest.sink)
    text.field("job_file", manifest.jobFile)
    text.field("resolved", manifest.resolved)
    text.array("chunks", manifest.chunks) { text, chunk in write(chunk, to: &text) }
    text.close()
    return text.bytes
  }

  private static func write(_ chunk: ManifestChunk, to text: inout JSONText) {
    text.field("chunk_id", chunk.chunkID)
    text.field("status", chunk.status.rawValue)
    text.field("rows", chunk.rows)
    text.field("parquet_path", chunk.parquetPath)
    text.field("parquet_size_bytes", chunk.parquetSizeBytes)
    text.field("created_at", chunk.createdAt)
    text.field("processed_at", chunk.processedAt)
    text.field("records_inserted", chunk.recordsInserted)
    text.field("records_updated", chunk.recordsUpdated)
    text.field("validation_errors", chunk.validationErrors)
    text.field("error", chunk.error)
    text.field("failed_at", chunk.failedAt)
    if let source = chunk.source {
      let extent = source.extent
      text.field("byte_start", extent.start.offset)
      text.field("byte_end", extent.end.offset)
      text.field("first_row", extent.start.row)
      text.field("first_line", extent.start.line)
      text.field("end_line", extent.end.line)
      text.field("content_sha256", source.contentDigest)
    }
    text.field("sha256", chunk.sha256)
  }

  // MARK: Read

  static func read(_ bytes: [UInt8], path: String) throws(ManifestError) -> Manifest {
    let data = Data(bytes)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let header = try? decoder.decode(Header.self, from: data) else {
      throw .corrupt(path: path, detail: "it is not JSON with a format_version")
    }
    guard header.formatVersion == Manifest.currentFormat else {
      throw .unknownVersion(
        path: path, found: header.formatVersion, known: Manifest.currentFormat)
    }
    let document: Document
    do {
      document = try decoder.decode(Document.self, from: data)
    } catch {
      throw .corrupt(path: path, detail: "\(error)")
    }
    guard let syncID = SyncID(document.syncId) else {
      throw .corrupt(path: path, detail: "'\(document.syncId)' is not a sync id")
    }
    guard let status = RunStatus(rawValue: document.status) else {
      throw .corrupt(path: path, detail: "'\(document.status)' is not a run status")
    }
    var manifest = Manifest(
      syncID: syncID, sourceFile: document.sourceFile, sourcePath: document.sourcePath,
      fileSizeBytes: document.fileSizeBytes, chunkSize: document.chunkSize,
      createdAt: document.createdAt, attempt: document.attempt,
      sourceFingerprint: document.sourceFingerprint, jobDigest: document.jobDigest,
      job: document.job, table: document.table, sink: document.sink, jobFile: document.jobFile)
    manifest.resolved = document.resolved
    var chunks: [ManifestChunk] = []
    chunks.reserveCapacity(document.chunks.count)
    for part in document.chunks {
      guard let chunk = part.chunk, chunk.chunkID > chunks.last?.chunkID ?? -1 else {
        throw .corrupt(path: path, detail: "chunk \(part.chunkId) is not a chunk, or out of order")
      }
      chunks.append(chunk)
    }
    manifest.restore(
      status: status, phase: document.phase, updatedAt: document.updatedAt,
      error: document.error, failedAt: document.failedAt, knownTotal: document.chunksKnown,
      chunks: chunks)
    return manifest
  }

  private struct Header: Decodable { var formatVersion: Int }

  private struct Document: Decodable {
    var syncId, sourceFile, sourcePath: String
    var fileSizeBytes: Int64
    var chunksKnown: Int?
    var chunkSize: Int
    var status, phase, createdAt, updatedAt: String
    var attempt: Int
    var error, failedAt: String?
    var sourceFingerprint, jobDigest, job: String
    var table, sink, jobFile, resolved: String?
    var chunks: [Chunk]
  }

  private struct Chunk: Decodable {
    var chunkId: Int
    var status: String
    var rows: Int
    var parquetPath: String?
    var parquetSizeBytes: Int64?
    var createdAt, processedAt: String?
    var recordsInserted, recordsUpdated, validationErrors: Int?
    var error, failedAt: String?
    var byteStart, byteEnd, firstRow, firstLine, endLine: UInt64?
    var contentSha256, sha256: String?

    var chunk: ManifestChunk? {
      // The checkpoint design's `pending` is what Cairn calls ready.
      guard chunkId >= 0, rows >= 0,
        let status = ChunkStatus(rawValue: status == "pending" ? "ready" : status)
      else { return nil }
      // A file outside of the run's folder is never followed.
      if let parquetPath, parquetPath != ChunkFileName.of(chunkId) { return nil }
      var chunk = ManifestChunk(chunkID: chunkId)
      chunk.status = status
      chunk.rows = rows
      chunk.parquetPath = parquetPath
      chunk.parquetSizeBytes = parquetSizeBytes
      chunk.sha256 = sha256
      chunk.createdAt = createdAt
      chunk.processedAt = processedAt
      chunk.recordsInserted = recordsInserted
      chunk.recordsUpdated = recordsUpdated
      chunk.validationErrors = validationErrors
      chunk.error = error
      chunk.failedAt = failedAt
      if let byteStart, let byteEnd, let firstRow, let firstLine, let endLine, let contentSha256 {
        guard byteStart <= byteEnd, firstRow <= UInt64(Int64.max) else { return nil }
        let start = SourcePosition(
          chunk: chunkId, offset: byteStart, row: firstRow, line: firstLine)
        let end = SourcePosition(
          chunk: chunkId + 1, offset: byteEnd, row: firstRow + UInt64(rows), line: endLine)
        chunk.source = RecordedExtent(
          extent: ChunkExtent(start: start, end: end), contentDigest: contentSha256)
      }
      return chunk
    }
  }
}

/// Why a manifest cannot be used.
public enum ManifestError: Error, Sendable, CustomStringConvertible {
  /// It is damaged; it can be rebuilt from chunk footers and ledger.
  case corrupt(path: String, detail: String)
  /// Another version of Cairn wrote it.
  case unknownVersion(path: String, found: Int, known: Int)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .corrupt(let path, let detail):
      "manifest '\(path)' is damaged: \(detail)"
    case .unknownVersion(let path, let found, let known):
      "manifest '\(path)' has format_version \(found); this cairn knows \(known)."
        + " Use the version of cairn that began the run."
    }
  }
}
