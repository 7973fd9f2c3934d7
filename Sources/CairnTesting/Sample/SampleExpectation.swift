#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What a right load of a sample must yield.
///
/// It comes from the generator, which knows each defect it planted and each note's last row; nothing
/// is parsed for it.
public struct SampleExpectation: Sendable, Hashable, Codable {
  /// The seed of the sample.
  public var seed: UInt64
  /// Rows of the file, without the header.
  public var rows: Int
  /// Size of the file in bytes, decompressed.
  public var bytes: Int
  /// Every row with a defect, in file order.
  public var defects: [Planted]
  /// What the target holds when all columns are text.
  public var raw: Targets
  /// What the target holds under the companion job.
  public var typed: Targets

  /// A row with a defect.
  public struct Planted: Sendable, Hashable, Codable {
    /// Number of the row, from 0.
    public var row: Int
    /// Number of its line, from 1: the header is line 1.
    public var line: Int
    /// Offset of its first byte in the decompressed file.
    public var byteOffset: Int
    /// What is wrong with it.
    public var defect: SampleDefect
  }

  /// What a target holds, by the way it is loaded.
  public struct Targets: Sendable, Hashable, Codable {
    /// Upsert or replace by the key, of an empty target: for each key its last row that is not
    /// rejected.
    public var upsert: SampleContent
    /// Insert-only. As a run's own last row wins, an empty target ends up as with upsert; kept
    /// apart from `append`, which has every row.
    public var insertOnly: SampleContent { upsert }
    /// Append without a key: every row that is not rejected. As text, rows without a number are
    /// among them.
    public var append: SampleContent
  }

  /// Rows that no load can accept, in file order: too many or few fields, bytes that are not UTF-8.
  public var malformed: [Planted] { defects.filter(\.defect.isMalformed) }

  /// Rows that a load of text columns with the key rejects.
  public var rejectedAsText: [Planted] {
    defects.filter { $0.defect.isMalformed || $0.defect == .missingKey }
  }

  /// Rows that the companion job rejects: all with a defect.
  public var rejectedAsTyped: [Planted] { defects }

  /// The expectation as JSON, with sorted keys in snake case.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return Array(try encoder.encode(self))
  }

  /// Reads what ``json()`` wrote.
  ///
  /// - Throws: `DecodingError` when the bytes are something else.
  public init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(SampleExpectation.self, from: Data(json))
  }

  init(
    seed: UInt64, rows: Int, bytes: Int, defects: [Planted], raw: Targets, typed: Targets
  ) {
    self.seed = seed
    self.rows = rows
    self.bytes = bytes
    self.defects = defects
    self.raw = raw
    self.typed = typed
  }
}
