import Foundation
import Testing

@testable import Parquet

/// We read the same values as pyarrow, DuckDB and polars wrote, whatever types, encodings, codecs,
/// page versions, nulls and sizes their files have, and 200 of random schemas and values.
@Suite struct ReaderMatrixTests {
  struct FoundColumn: Encodable {
    var name: String
    var logical: String?
    /// The numbers of what each row group holds.
    var parts: [Int]
  }

  struct FoundFile: Encodable {
    var file: String
    var columns: [FoundColumn]
  }

  struct Found: Encodable {
    var columns: [ColumnHandover.Column]
    var files: [FoundFile]
  }

  @Test func weReadEveryCombination() async throws {
    let environment = ProcessInfo.processInfo.environment["CAIRN_TEST_SEED"]
    let seed = environment ?? "\(UInt64.random(in: 0..<1_000_000))"
    print("weReadEveryCombination: CAIRN_TEST_SEED=\(seed)")
    let folder = try TemporaryFolder()
    #expect(try await PythonPeers.run("parquet_matrix.py", ["make", folder.url.path, seed]) == [])
    let cases = try JSONDecoder().decode(
      [String].self, from: Data(contentsOf: folder.url.appending(path: "cases.json")))
    #expect(cases.count > 250)
    let handover = ColumnHandover()
    let scratch = DecoderScratch()
    var files: [FoundFile] = []
    for name in cases {
      do {
        let reader = try FileReader(path: folder.url.appending(path: name).path)
        let columns = try reader.metadata.schema.columns.enumerated().map { index, column in
          FoundColumn(
            name: column.name, logical: column.logicalType == .uuid ? "uuid" : nil,
            parts: try reader.metadata.rowGroups.indices.map {
              handover.add(
                try reader.readColumn(index, rowGroup: $0, scratch: scratch), as: column)
            })
        }
        files.append(FoundFile(file: name, columns: columns))
      } catch {
        Issue.record("seed \(seed): \(name): \(error)")
      }
    }
    try handover.write(to: folder.url.appending(path: "found.bin"))
    try JSONEncoder().encode(Found(columns: handover.columns, files: files))
      .write(to: folder.url.appending(path: "found.json"))
    let problems = try await PythonPeers.run("parquet_matrix.py", ["compare", folder.url.path])
    #expect(problems.isEmpty, "seed \(seed): \(problems.joined(separator: "\n"))")
  }
}
