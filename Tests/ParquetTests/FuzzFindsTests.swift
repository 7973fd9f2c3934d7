import Foundation
import Testing

@testable import Parquet

/// Files that a fuzzer once broke the reader with. Each gives an error, or a value for each row.
@Suite struct FuzzFindsTests {
  @Test func findsAreRead() throws {
    let folder = Fixtures.folder.appending(path: "finds")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    for file in files {
      guard let reader = try? FileReader(path: file.path) else { continue }
      for group in reader.metadata.rowGroups.indices {
        for column in reader.metadata.schema.columns.indices {
          let vector = try? reader.readColumn(column, rowGroup: group, verifyChecksums: false)
          guard let vector else { continue }
          #expect(vector.rowCount == Int(reader.metadata.rowGroups[group].rowCount))
        }
      }
    }
  }
}
