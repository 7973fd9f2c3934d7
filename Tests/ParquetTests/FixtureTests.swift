import Foundation
import Testing

@testable import Parquet

/// Small files of other writers, kept with what pyarrow reads in them. `Fixtures/make.py` makes both.
enum Fixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures")

  /// By file name, then by column name: a line a row.
  static func values() throws -> [String: [String: String]] {
    try JSONDecoder().decode(
      [String: [String: String]].self,
      from: Data(contentsOf: folder.appending(path: "values.json")))
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: name)))
  }
}

@Suite struct FixtureTests {
  @Test func columnsAreWhatPyarrowReads() throws {
    let files = try Fixtures.values()
    #expect(files.count == 17)
    for (file, expected) in files {
      let found = ReadColumns(
        try FileReader(path: Fixtures.folder.appending(path: file).path))
      #expect(found.differences(from: expected) == [], "\(file)")
      let nested = file.contains("lists") ? ["deep.list.element.list.element"] : []
      #expect(found.failures.keys.sorted().map(canonical) == nested, "\(file)")
      for failure in found.failures.values {
        #expect(failure.kind == .unsupported)
        #expect(failure.found == "lists within lists, 2 deep")
      }
    }
  }

  /// Writers call the elements of a list `element` or `item`.
  private func canonical(_ name: String) -> String {
    name.replacingOccurrences(of: "item", with: "element")
  }

  @Test func nullsOfListsAreToldApart() throws {
    let reader = try FileReader(
      path: Fixtures.folder.appending(path: "arrow-lists-v1-snappy.parquet").path)
    let columns = reader.metadata.schema.columns
    let tags = try #require(columns.firstIndex { $0.name == "tags" })
    #expect(columns[tags].list == ListShape(isOptional: true))
    #expect(columns[tags].isOptional)
    let vector = try reader.readColumn(tags, rowGroup: 0)
    #expect(vector.rowCount == 24)
    #expect(vector.lists?.offsets.prefix(8) == [0, 2, 2, 2, 5, 6, 7, 7])
    #expect(vector.lists?.isNull?.prefix(4) == [false, false, true, false])
    #expect(vector.elementCount == vector.lists?.elementCount)
    let numbers = try #require(columns.firstIndex { $0.name == "numbers" })
    #expect(columns[numbers].list == ListShape(isOptional: false))
    #expect(!columns[numbers].isOptional)
    #expect(try reader.readColumn(numbers, rowGroup: 0).lists?.isNull == nil)
  }

  @Test func columnsInGroupsHaveDottedNames() throws {
    let reader = try FileReader(
      path: Fixtures.folder.appending(path: "arrow-lists-v2-plain.parquet").path)
    #expect(
      reader.metadata.schema.columns.map(\.name) == [
        "id", "tags", "numbers", "map.key", "map.value", "group.n", "group.l", "pairs.x", "pairs.y",
        "deep.list.element.list.element", "long", "flags", "fixed",
      ])
    #expect(
      reader.metadata.rowGroups[0].columns[3].path == ["map", "key_value", "key"])
  }
}
