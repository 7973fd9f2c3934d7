import Testing

@testable import Parquet

@Suite struct RemoteFileReaderTests {
  /// A file in memory that counts what it is asked for.
  actor Store: ByteRangeSource {
    nonisolated let byteCount: Int?
    private let bytes: [UInt8]
    private(set) var requests: [[Range<Int>]] = []

    init(_ bytes: [UInt8], isSizeKnown: Bool = true) {
      self.bytes = bytes
      byteCount = isSizeKnown ? bytes.count : nil
    }

    func read(_ ranges: [Range<Int>]) async throws -> [ByteStorage] {
      requests.append(ranges)
      return ranges.map { ByteStorage(copying: bytes[$0]) }
    }

    func readTail(_ count: Int) async throws -> FileTail {
      let start = max(0, bytes.count - count)
      requests.append([start..<bytes.count])
      return FileTail(bytes: ByteStorage(copying: bytes[start...]), fileByteCount: bytes.count)
    }

    /// How many ranges were asked for, each a request of its own to a store, since the last time.
    func takeRequestCount() -> Int {
      defer { requests = [] }
      return requests.reduce(0) { $0 + $1.count }
    }
  }

  private static let rowsPerGroup = 20_000

  private static func file() throws -> [UInt8] {
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "id", physicalType: .int64, isOptional: false), .string("name"),
      ColumnDescriptor(name: "x", physicalType: .double),
    ])
    var writer = try FileWriter(
      output: MemoryOutput(), schema: schema,
      options: WriterOptions(
        codec: .uncompressed, pageByteLimit: 8000, bloomFilters: ["name": 0.01]))
    for group in 0..<3 {
      let ids = (0..<rowsPerGroup).map { Int64(group * rowsPerGroup + $0) }
      try writer.writeRowGroup([
        ColumnVector(values: .int64(ids)),
        ColumnVector(values: .byteArray(ByteStrings(ids.map { "name of \($0 * 7919 % 60_001)" }))),
        ColumnVector(values: .double(ids.map { Double($0) })),
      ])
    }
    _ = try writer.finish()
    return writer.output.bytes
  }

  private static func ids(_ batch: RowBatch) throws -> [Int64] {
    guard case .int64(let values)? = batch["id"]?.values else { throw CancellationError() }
    return values
  }

  @Test(arguments: [true, false]) func theFooterTakesOneRequestOrTwo(isSizeKnown: Bool) async throws
  {
    let store = Store(try Self.file(), isSizeKnown: isSizeKnown)
    let reader = try await RemoteFileReader(source: store)
    #expect(await store.takeRequestCount() == 1)
    #expect(reader.metadata.rowCount == 60_000)
    let other = try await RemoteFileReader(source: store, tailByteCount: 100)
    #expect(await store.takeRequestCount() == 2)
    #expect(other.metadata.rowCount == 60_000)
    _ = try await RemoteFileReader(source: store, tailByteCount: .max)
    #expect(await store.takeRequestCount() == 1)
  }

  @Test func rowsTakeARequestForEachRange() async throws {
    let bytes = try Self.file()
    let store = Store(bytes)
    // The tail has footer and page indexes.
    let reader = try await RemoteFileReader(source: store, gap: 4096)
    _ = await store.takeRequestCount()
    let predicate = column("id") >= 25_000 && column("id") < 25_010
    let plan = try await reader.plan(where: predicate, columns: ["id"])
    #expect(await store.takeRequestCount() == 0)
    #expect(plan.rowGroups.count == 1 && plan.byteCount < 20_000)
    var found: [Int64] = []
    for try await batch in try reader.rows(where: predicate, columns: ["id", "x"]) {
      found += try Self.ids(batch)
    }
    #expect(found == Array(25_000..<25_010))
    // A range of pages for each column.
    #expect(await store.takeRequestCount() == 2)
    // With a large gap, one.
    let joining = try await RemoteFileReader(source: store)
    _ = await store.takeRequestCount()
    for try await batch in try joining.rows(where: predicate, columns: ["id", "x"]) {
      #expect(try Self.ids(batch) == found)
    }
    #expect(await store.takeRequestCount() == 1)
    // Page indexes that are not in the tail: one more.
    let short = try await RemoteFileReader(source: store, tailByteCount: 100)
    _ = await store.takeRequestCount()
    for try await batch in try short.rows(where: predicate, columns: ["id", "x"]) {
      #expect(try Self.ids(batch) == found)
    }
    #expect(await store.takeRequestCount() == 2)
  }

  @Test func whatIsReadIsWhatTheFileReaderReads() async throws {
    let bytes = try Self.file()
    let local = try FileReader(bytes: ByteStorage(copying: bytes))
    let predicates: [RowPredicate?] = [
      nil, column("name") == "name of 12345", column("name") == "nobody",
      column("x") > 59_990 || column("id") < 5, column("id") < 0, !column("x").isNull,
    ]
    for (tail, gap) in [(1 << 16, 1 << 20), (8, 0), (5000, 100)] {
      let reader = try await RemoteFileReader(source: Store(bytes), tailByteCount: tail, gap: gap)
      for predicate in predicates {
        var expected: [[Int64]] = []
        var batches = try local.rows(where: predicate, columns: ["id"])
        while let batch = try batches.next() { expected.append(try Self.ids(batch)) }
        var found: [[Int64]] = []
        for try await batch in try reader.rows(where: predicate, columns: ["id"]) {
          found.append(try Self.ids(batch))
        }
        #expect(found == expected)
        #expect(
          try await reader.plan(where: predicate).byteRanges()
            == local.plan(where: predicate).byteRanges())
      }
      let column = try await reader.readColumn(2, rowGroup: 1)
      #expect(column.rowCount == Self.rowsPerGroup)
      await #expect(throws: ParquetError.self) { try await reader.readColumn(3, rowGroup: 1) }
      await #expect(throws: ParquetError.self) { try await reader.readColumn(0, rowGroup: 3) }
    }
  }

  // MARK: Sources that fail

  struct Failing: ByteRangeSource {
    var byteCount: Int?
    var answer: @Sendable ([Range<Int>]) -> [ByteStorage]
    func read(_ ranges: [Range<Int>]) async throws -> [ByteStorage] { answer(ranges) }
  }

  @Test func sourcesThatGiveOtherBytesAreErrors() async throws {
    let bytes = try Self.file()
    func kind(_ source: Failing) async -> ParquetError.Kind? {
      do {
        let reader = try await RemoteFileReader(source: source, tailByteCount: 5000)
        for try await _ in try reader.rows() {}
        return nil
      } catch {
        return (error as? ParquetError)?.kind
      }
    }
    let size = bytes.count
    let right = Failing(byteCount: size) { $0.map { ByteStorage(copying: bytes[$0]) } }
    #expect(await kind(right) == nil)
    let short = Failing(byteCount: size) {
      $0.map { ByteStorage(copying: bytes[$0].dropLast($0.upperBound == size ? 0 : 1)) }
    }
    #expect(await kind(short) == .inputOutput)
    let fewer = Failing(byteCount: size) {
      $0.dropFirst($0[0].upperBound == size ? 0 : 1).map { ByteStorage(copying: bytes[$0]) }
    }
    #expect(await kind(fewer) == .inputOutput)
    #expect(await kind(Failing(byteCount: nil) { _ in [] }) == .misuse)
    #expect(await kind(Failing(byteCount: 0) { _ in [] }) == .notParquet)
    #expect(await kind(Failing(byteCount: size) { _ in [] }) == .inputOutput)
    let text = Array("this is no Parquet file at all".utf8)
    let other = Failing(byteCount: text.count) { $0.map { ByteStorage(copying: text[$0]) } }
    #expect(await kind(other) == .notParquet)
  }
}
