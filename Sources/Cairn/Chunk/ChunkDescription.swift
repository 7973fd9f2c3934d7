#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a chunk file says of itself in its Parquet footer, under the key `cairn.chunk`.
///
/// A run whose manifest is lost is rebuilt from these and the ledger.
public struct ChunkDescription: Sendable, Hashable, Codable {
  /// The key of the description in the footer.
  public static let key = "cairn.chunk"
  /// The version of the form this program writes.
  public static let currentFormat = 1

  /// The version of the form.
  public var format = ChunkDescription.currentFormat
  /// The run the chunk belongs to.
  public var run: SyncID
  /// The stretch of the source, and the digest of its bytes.
  public var source: RecordedExtent
  /// Line number of the chunk's first row.
  public var firstRowLine: UInt64
  /// Whether the source ends with this chunk.
  public var isLast: Bool
  /// Fingerprint of the source.
  public var fingerprint: String
  /// SHA-256 of the resolved job.
  public var jobDigest: String
  /// The source's columns with their types, in order.
  public var columns: [ChunkColumn]

  /// Makes a description.
  public init(
    run: SyncID, source: RecordedExtent, firstRowLine: UInt64, isLast: Bool, fingerprint: String,
    jobDigest: String, columns: [ChunkColumn]
  ) {
    self.run = run
    self.source = source
    self.firstRowLine = firstRowLine
    self.isLast = isLast
    self.fingerprint = fingerprint
    self.jobDigest = jobDigest
    self.columns = columns
  }

  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  init(text: String) throws {
    self = try JSONDecoder().decode(ChunkDescription.self, from: Data(text.utf8))
  }
}

/// A column of the source as a chunk file holds it.
public struct ChunkColumn: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// What it holds.
  public var type: ColumnType
}
