import Foundation
import Testing

@testable import Parquet

/// We read what pyarrow, DuckDB and polars write. One Python process makes all files.
@Suite struct ReaderInteroperabilityTests {
  struct Expected: Decodable {
    struct Case: Decodable {
      var file: String
      var table: String
      var columns: [String]?
    }
    var cases: [Case]
    var tables: [String: [String: [String?]]]
  }

  @Test func weReadWhatPeersWrite() async throws {
    let folder = try TemporaryFolder()
    #expect(try await PythonPeers.run("make", in: folder.url) == [])
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: folder.url.appending(path: "expected.json")))
    #expect(expected.cases.count > 40)
    let scratch = DecoderScratch()
    for item in expected.cases {
      let reader = try FileReader(path: folder.url.appending(path: item.file).path)
      let table = try #require(expected.tables[item.table])
      let names = item.columns ?? Array(table.keys)
      #expect(reader.metadata.schema.columns.count == names.count)
      for (position, column) in reader.metadata.schema.columns.enumerated() {
        var found: [String?] = []
        for group in reader.metadata.rowGroups.indices {
          let vector = try reader.readColumn(position, rowGroup: group, scratch: scratch)
          found += vector.texts(Self.type(of: column))
        }
        if found != table[column.name] {
          let row = zip(found, table[column.name] ?? []).enumerated().first { $1.0 != $1.1 }
          Issue.record(
            "\(item.file) \(column.name): \(found.count) rows; first: \(String(describing: row))")
        }
      }
    }
  }

  @Test func weReadListsThatPeersWrite() async throws {
    let seed = Int.random(in: 0..<1_000_000)
    print("lists of peers from seed \(seed)")
    let folder = try TemporaryFolder()
    let contents = try await PythonPeers.makeLists(in: folder.url, seed: seed)
    #expect(contents.count == 40)
    let scratch = DecoderScratch()
    for (file, content) in contents {
      let found = ReadColumns(
        try FileReader(path: folder.url.appending(path: file).path), scratch: scratch)
      let differences = found.differences(from: try #require(content.columns))
      #expect(differences == [], "seed \(seed), \(file)")
      #expect(found.failures.isEmpty, "seed \(seed), \(file)")
    }
  }

  /// How texts of a column read from a peer's file are made.
  static func type(of column: ColumnDescriptor) -> TestType {
    var type = TestType(
      name: column.name, physicalType: column.physicalType, logicalType: column.logicalType,
      fixedLength: column.fixedLength, order: "none"
    ) { _ in [] }
    switch column.logicalType {
    case .time(.milliseconds, _), .timestamp(.milliseconds, _): type.scale = 1_000_000
    case .time(.microseconds, _), .timestamp(.microseconds, _): type.scale = 1000
    default: break
    }
    return type
  }
}
