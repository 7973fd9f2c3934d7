public import Cairn

/// What every ``Cairn/Source`` must hold, as checks to be run by its tests.
///
/// ```swift
/// @Test(arguments: SourceBattery.checks)
/// func conformance(_ check: SourceCheck) async throws {
///   try await check.run(FileSource(path: "sample.csv", options: SourceOptions()))
/// }
/// ```
public enum SourceBattery {
  /// The checks. Give them a source of several chunks under ``limits``.
  public static let checks = [
    SourceCheck("chunks tile the source and number its rows") { source in
      let chunks = try await read(source, from: .start)
      var expected = SourcePosition.start
      for chunk in chunks {
        try expect(chunk.extent.start, equals: expected, "start of chunk \(chunk.extent.chunk)")
        try expect(
          chunk.batch.rowCount + chunk.malformed.count, equals: chunk.extent.rows,
          "rows of chunk \(chunk.extent.chunk)")
        try expect(
          chunk.origins.byteOffsets.count, equals: chunk.extent.rows,
          "origins of chunk \(chunk.extent.chunk)")
        expected = chunk.extent.end
      }
    },
    SourceCheck("only the last chunk says it is the last") { source in
      let reader = try await source.open(try await source.resolve(), at: .start, limits: limits)
      var last: Bool?
      while let chunk = try await reader.next() {
        try expect(last ?? false, equals: false, "a chunk before chunk \(chunk.extent.chunk)")
        last = chunk.isLast
      }
      try expect(last ?? true, equals: true, "the last chunk")
      try await reader.verifyUnchanged()
    },
    SourceCheck("read again, it yields the same chunks") { source in
      guard source.isRepeatable else { return }
      let first = try await read(source, from: .start).map(Sameness.init)
      let second = try await read(source, from: .start).map(Sameness.init)
      try expect(second, equals: first, "chunks of the second reading")
    },
    SourceCheck("read from any chunk on, it yields the same chunks") { source in
      guard source.isRepeatable else { return }
      let all = try await read(source, from: .start).map(Sameness.init)
      for index in all.indices {
        let rest = try await read(source, from: all[index].extent.start).map(Sameness.init)
        try expect(rest, equals: Array(all[index...]), "chunks from chunk \(index) on")
      }
    },
    SourceCheck("it recognises its own content, and finds where other content differs") { source in
      guard source.isRepeatable else { return }
      let layout = try await source.resolve()
      var recorded = try await read(source, from: .start).map {
        RecordedExtent(extent: $0.extent, contentDigest: $0.contentDigest)
      }
      try expect(
        try await source.firstDifference(from: recorded, layout: layout), equals: nil,
        "difference from itself")
      for index in recorded.indices {
        let digest = recorded[index].contentDigest
        recorded[index].contentDigest = String(digest.reversed())
        try expect(
          try await source.firstDifference(from: recorded, layout: layout), equals: index,
          "difference from itself with another chunk \(index)")
        recorded[index].contentDigest = digest
      }
    },
    SourceCheck("it says who it is, the same each time") { source in
      guard source.isRepeatable else { return }
      let first = try await source.identify()
      try expect(try await source.identify(), equals: first, "identity")
      try expect(first.fingerprint.isEmpty, equals: false, "that the fingerprint is empty")
    },
  ]

  /// The limits under which checks read.
  public static let limits = ChunkLimits(rows: 7)

  private static func read(
    _ source: any Source, from position: SourcePosition
  ) async throws -> [SourceChunk] {
    let reader = try await source.open(
      try await source.resolve(), at: position, limits: limits)
    var chunks: [SourceChunk] = []
    while let chunk = try await reader.next() { chunks.append(try chunk.parse()) }
    return chunks
  }

  private static func expect<Value: Equatable>(
    _ found: Value, equals expected: Value, _ what: String
  ) throws {
    guard found == expected else {
      throw BatteryFailure(what, expected: "\(expected)", found: "\(found)")
    }
  }

  /// What must be the same when a chunk is read again.
  private struct Sameness: Equatable {
    var extent: ChunkExtent
    var contentDigest: String
    var malformed: [MalformedRow]
    var columns: [String]

    init(_ chunk: SourceChunk) {
      extent = chunk.extent
      contentDigest = chunk.contentDigest
      malformed = chunk.malformed
      columns = chunk.batch.columns.map(\.name)
    }
  }
}

/// One check of the ``SourceBattery``.
public struct SourceCheck: Sendable, CustomStringConvertible {
  /// What must hold.
  public let description: String
  private let body: @Sendable (any Source) async throws -> Void

  init(_ description: String, _ body: @escaping @Sendable (any Source) async throws -> Void) {
    self.description = description
    self.body = body
  }

  /// Runs the check.
  ///
  /// - Throws: ``BatteryFailure`` when it does not hold; what the source throws.
  public func run(_ source: any Source) async throws { try await body(source) }
}
