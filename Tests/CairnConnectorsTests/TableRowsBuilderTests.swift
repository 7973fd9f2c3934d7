import Cairn
import Parquet
import Testing

@testable import CairnConnectors

@Suite struct TableRowsBuilderTests {
  private func texts(_ rows: TableRows, _ name: String) throws -> [String?] {
    let column = try #require(rows.batch.columns.first { $0.name == name })
    return (0..<rows.batch.rowCount).map { row in
      column.valueIndex(atRow: row).map { column.values.text(at: $0, type: column.type) }
    }
  }

  @Test func whatIsNotSetIsNull() throws {
    let types: [(String, ColumnType)] = [
      ("t", .text), ("b", .boolean), ("i", .integer), ("n", .bigint), ("f", .double),
      ("d", .date), ("z", .timestamptz), ("j", .json), ("never", .text),
    ]
    var builder = TableRowsBuilder(
      RecordTable(
        "x", columns: types.map { TargetColumn(name: $0.0, type: $0.1, isRequired: false) },
        key: ["t"]))
    builder.beginRow()
    builder.set("t", "a")
    builder.set("t", "b")
    builder.set("n", Int64.min)
    builder.beginRow()
    builder.set("b", true)
    builder.set("i", .integer(-7))
    builder.set("f", .double(0.5))
    builder.set("d", .date(-1))
    builder.set("z", Instant(microseconds: 1))
    builder.set("j", .text("[1]"))
    // Of another type than the column's, which leaves what was set before.
    builder.set("i", .bigint(9))
    builder.set("new", type: .bigint, .bigint(3))
    builder.beginRow()
    builder.set("t", "c")
    let rows = try builder.rows()
    #expect(rows.batch.rowCount == 3)
    #expect(try texts(rows, "t") == ["b", nil, "c"])
    #expect(try texts(rows, "n") == ["-9223372036854775808", nil, nil])
    #expect(try texts(rows, "b") == [nil, "true", nil])
    #expect(try texts(rows, "i") == [nil, "-7", nil])
    #expect(try texts(rows, "f") == [nil, "0.5", nil])
    #expect(try texts(rows, "d") == [nil, "1969-12-31", nil])
    #expect(try texts(rows, "z") == [nil, "1970-01-01T00:00:00.000001Z", nil])
    #expect(try texts(rows, "j") == [nil, "[1]", nil])
    #expect(try texts(rows, "new") == [nil, "3", nil])
    #expect(try texts(rows, "never") == [nil, nil, nil])
  }
}
