import Foundation
import Testing

@testable import Parquet

/// The files of apache/parquet-testing, beside this repository or where CAIRN_SHARED says.
private enum ParquetTesting {
  static let folder: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let shared =
      ProcessInfo.processInfo.environment["CAIRN_SHARED"].map { URL(filePath: $0) }
      ?? root.deletingLastPathComponent().appending(path: "shared")
    let folder = shared.appending(path: "parquet-testing")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()

  static func files(in path: String, ending suffix: String) throws -> [URL] {
    let folder = try #require(folder).appending(path: path)
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.lastPathComponent.hasSuffix(suffix) }
      .sorted { $0.path < $1.path }
  }
}

@Suite(
  .enabled(
    if: ParquetTesting.folder != nil,
    "no folder parquet-testing in ../shared or CAIRN_SHARED: only our own fixtures are read"))
struct ConformanceTests {
  /// Columns of lists within lists, which are not read, by file.
  static let nested: [String: [String]] = [
    "nested_lists.snappy.parquet": ["a.list.element.list.element.list.element"],
    "nested_maps.snappy.parquet": [
      "a.key_value.value.key_value.key", "a.key_value.value.key_value.value",
    ],
    "nonnullable.impala.parquet": [
      "int_array_array.list.element.list.element", "int_map_array.list.element.map.key",
      "int_map_array.list.element.map.value", "nested_Struct.G.map.value.h.i.list.element",
      "nested_Struct.c.D.list.element.list.element.e",
      "nested_Struct.c.D.list.element.list.element.f",
    ],
    "nullable.impala.parquet": [
      "int_Map_Array.list.element.map.key", "int_Map_Array.list.element.map.value",
      "int_array_Array.list.element.list.element", "nested_struct.C.d.list.element.list.element.E",
      "nested_struct.C.d.list.element.list.element.F", "nested_struct.g.map.value.H.i.list.element",
    ],
    "old_list_structure.parquet": ["a.array.array"],
  ]

  /// Files whose checksums are wrong, and nothing else.
  static let corruptChecksums: Set = [
    "datapage_v1-corrupt-checksum.parquet", "rle-dict-uncompressed-corrupt-checksum.parquet",
  ]

  /// What is in the files that pyarrow does not read, or not rightly, or only with gigabytes of
  /// memory, as their descriptions have it.
  static let unreadByPyarrow: [String: [String: String]] = [
    // Its keys are optional.
    "incorrect_map_schema.parquet": [
      "my_map.key": "[706172656e74,6e616d65]\n", "my_map.value": "[616e6f74686572,7265706f7274]\n",
    ],
    // Spark's microseconds of the last row, 9089380393200000000, had wrapped around when it made a
    // Julian day of them.
    "int96_from_spark.parquet": [
      "a": """
      1704141296123456000
      1704070800000000000
      253402225200000000000
      1735599600000000000
      null
      \((9_089_380_393_200_000_000 as Int128 - (1 << 64)) * 1000)

      """
    ],
    "large_string_map.brotli.parquet": ["arr.value": "[1]\n[1]\n"],
  ]

  /// As int96_from_spark.md has them; of the last row see ``unreadByPyarrow``.
  @Test func timestampsOfSparkAreDates() throws {
    struct Row: Decodable { var a: Date? }
    let folder = try #require(ParquetTesting.folder)
    let reader = try FileReader(
      path: folder.appending(path: "data/int96_from_spark.parquet").path)
    let microseconds: [Int128?] = [
      1_704_141_296_123_456, 1_704_070_800_000_000, 253_402_225_200_000_000,
      1_735_599_600_000_000, nil, 9_089_380_393_200_000_000 - (1 << 64),
    ]
    let found = try reader.rows(as: Row.self).all().map(\.a)
    #expect(found.count == microseconds.count)
    for (date, expected) in zip(found, microseconds) {
      guard let date, let expected else {
        #expect(date == nil && expected == nil)
        continue
      }
      let seconds = Double(expected) / 1e6
      #expect(abs(date.timeIntervalSince1970 - seconds) <= max(1e-6, seconds.ulp))
    }
  }

  @Test func filesInScopeReadAsPyarrowReadsThem() async throws {
    let files =
      try ParquetTesting.files(in: "data", ending: ".parquet")
      + ParquetTesting.files(in: "data/geospatial", ending: ".parquet")
    #expect(files.count > 70)
    let contents = try await PythonPeers.contents(
      of: files.filter { Self.unreadByPyarrow[$0.lastPathComponent] == nil })
    let scratch = DecoderScratch()
    for file in files {
      let name = file.lastPathComponent
      var expected: [String: String]
      if let known = Self.unreadByPyarrow[name] {
        expected = known
      } else {
        let content = try #require(contents[file.path])
        expected = try #require(content.columns, "\(name): \(content.error ?? "")")
      }
      if let keys = expected.removeValue(forKey: "my_map_no_v") {
        expected["my_map_no_v.key"] = keys  // pyarrow takes a map without values for a list
      }
      let found: ReadColumns
      do throws(ParquetError) {
        found = ReadColumns(
          try FileReader(path: file.path), verifyChecksums: !Self.corruptChecksums.contains(name),
          scratch: scratch)
      } catch {
        Issue.record("\(name): \(error)")
        continue
      }
      #expect(found.differences(from: expected) == [], "\(name)")
      // A gigabyte of each key is beyond the limits of a reader that was not given others.
      let isLarge = name == "large_string_map.brotli.parquet"
      let refused = isLarge ? ["arr.key"] : Self.nested[name] ?? []
      #expect(found.failures.keys.sorted() == refused, "\(name): \(found.failures)")
      for failure in found.failures.values {
        #expect(failure.kind == (isLarge ? .limitExceeded : .unsupported))
        #expect(isLarge || failure.found.hasPrefix("lists within lists"))
      }
    }
  }

  /// Two keys of a gigabyte each, for a reader that was given the limits. Takes 3 GB of memory.
  @Test(.enabled(if: ProcessInfo.processInfo.physicalMemory >= 8 << 30, "less than 8 GB of memory"))
  func gigabytesAreReadWhereTheyAreAllowed() throws {
    let file = try #require(
      try ParquetTesting.files(in: "data", ending: "large_string_map.brotli.parquet").first)
    let reader = try FileReader(path: file.path, limits: ReaderLimits(chunkByteCount: 3 << 30))
    let vector = try reader.readColumn(0, rowGroup: 0)
    #expect(reader.metadata.schema.columns[0].name == "arr.key" && vector.rowCount == 2)
    guard case .byteArray(let keys) = vector.values else { throw CancellationError() }
    let lengths = (0..<keys.count).map { position in keys.withBytes(at: position) { $0.count } }
    let indices = vector.indices ?? [0, 1]
    #expect(indices.map { lengths[Int($0)] } == [1 << 30, 1 << 30])
  }

  /// Each file from a store of byte ranges, of which no more than the footer comes with the tail.
  @Test func filesReadFromAfarToo() async throws {
    var count = 0
    for file in try ParquetTesting.files(in: "data", ending: ".parquet") {
      let name = file.lastPathComponent
      guard name != "large_string_map.brotli.parquet",
        let local = try? FileReader(path: file.path)
      else { continue }
      let store = RemoteFileReaderTests.Store([UInt8](try Data(contentsOf: file)))
      let remote = try await RemoteFileReader(source: store, tailByteCount: 8, gap: 0)
      for (position, column) in local.metadata.schema.columns.enumerated().prefix(20) {
        let type = ReaderInteroperabilityTests.type(of: column)
        for group in local.metadata.rowGroups.indices.prefix(3) {
          guard let expected = try? local.readColumn(position, rowGroup: group) else { continue }
          let found = try await remote.readColumn(position, rowGroup: group)
          #expect(found.lines(type) == expected.lines(type), "\(name), \(column.name)")
          count += 1
        }
      }
    }
    #expect(count > 250)
  }

  @Test func corruptChecksumsAreSeenWhenVerified() throws {
    for file in try ParquetTesting.files(in: "data", ending: ".parquet")
    where Self.corruptChecksums.contains(file.lastPathComponent) {
      let reader = try FileReader(path: file.path)
      let verified = ReadColumns(reader)
      #expect(verified.failures.count == 2, "\(file.lastPathComponent)")
      #expect(
        verified.failures.values.allSatisfy { $0.kind == .checksumMismatch && $0.offset != nil })
      #expect(ReadColumns(reader, verifyChecksums: false).failures.isEmpty)
    }
  }

  @Test func damagedFilesAreErrorsOrReadAsPyarrowReadsThem() async throws {
    let files = try ParquetTesting.files(in: "bad_data", ending: ".parquet")
    #expect(files.count >= 8)
    let contents = try await PythonPeers.contents(of: files)
    var accepted: [String] = []
    for file in files {
      do throws(ParquetError) {
        let found = ReadColumns(try FileReader(path: file.path))
        guard found.failures.isEmpty else { continue }
        accepted.append(file.lastPathComponent)
        #expect(found.differences(from: contents[file.path]?.columns ?? [:]) == [])
      } catch {
        #expect(error.kind == .malformed, "\(file.lastPathComponent): \(error)")
      }
    }
    #expect(accepted == ["ARROW-GH-43605.parquet"])
  }

  @Test func encryptedFilesAreNamed() throws {
    let files =
      try ParquetTesting.files(in: "data", ending: ".encrypted")
      + ParquetTesting.files(in: "data/aes256", ending: ".encrypted")
    #expect(files.count > 7)
    for file in files {
      do throws(ParquetError) {
        _ = try FileReader(path: file.path)
        Issue.record("\(file.lastPathComponent) was opened")
      } catch {
        #expect(error.kind == .unsupported)
        #expect("\(error)".contains("encrypted"), "\(file.lastPathComponent): \(error)")
      }
    }
  }
}
