import Parquet
import Testing

@testable import Cairn

@Suite("Chunks become the target's rows and rejects")
struct BatchTransformTests {
  func transform(
    _ columns: [ColumnRule], from names: [String], rules: [RowRule] = [],
    source: SourceOptions = SourceOptions(), raw: RawRetention = .full, quote: UInt8? = nil
  ) throws -> BatchTransform {
    try BatchTransform(
      columns: columns, rules: rules, source: source,
      layout: ChunkOfRows.layout(names, quote: quote), lineage: ChunkOfRows.lineage, raw: raw)
  }

  @Test("Origins: fields, renamed, combined, constant, lineage, the remainder")
  func origins() throws {
    let names = ["id", "order_date", "order_time", "weight", "note"]
    let chunk = try ChunkOfRows.make(
      names,
      [
        ["7", "20250129", "143022", "1", "a \"b\""], ["8", "00000000", "000000", "NA", ""],
        nil, ["9", "20250130", "", "3", "x\\y\n"],
      ], firstRow: 40)
    let result = try transform(
      [
        ColumnRule(name: "number", type: .integer, origin: .fields(["id"])),
        ColumnRule(
          name: "order_at", type: .timestamp, origin: .fields(["order_date", "order_time"]),
          nulls: ["00000000 000000"], format: "yyyyMMdd HHmmss"),
        ColumnRule(name: "plant", type: .text, origin: .constant("JKT")),
        ColumnRule(name: "rate", type: .numeric(precision: 4, scale: 2), origin: .constant("1.5")),
        ColumnRule(name: "file", type: .text, origin: .lineage(.file)),
        ColumnRule(name: "run", type: .text, origin: .lineage(.run)),
        ColumnRule(name: "row", type: .bigint, origin: .lineage(.row)),
        ColumnRule(name: "loaded", type: .timestamptz, origin: .lineage(.loadedAt)),
        ColumnRule(name: "extra", type: .json, origin: .remainder),
      ], from: names, source: SourceOptions(nulls: ["", "NA"])
    ).apply(chunk)
    let common = { (row: String) in
      [
        "JKT", "1.50", "day.dat", "sync_20250129_143022_a3f4b2c1", row, "2025-01-29T14:30:22Z",
      ] as [String?]
    }
    #expect(
      result.batch.texts == [
        ["7", "2025-01-29T14:30:22"] + common("41") + [#"{"weight":"1","note":"a \"b\""}"#],
        ["8", nil] + common("42") + [#"{"weight":null,"note":null}"#],
      ])
    #expect(result.batchRows == [0, 1])
    #expect(
      result.rejects == [
        Reject(
          row: 42, line: 44, byteOffset: 1020, column: nil, rule: "field_count",
          reason: "expected 5 fields, found 1", raw: Array("torn 7".utf8)),
        Reject(
          row: 43, line: 45, byteOffset: 1030, column: "order_at", rule: "type",
          reason: "order_at: '20250130' is no timestamp in the format 'yyyyMMdd HHmmss'",
          raw: Array("9~^20250130~^~^3~^x\\y\n".utf8)),
      ])
  }

  @Test("A text column that changes nothing shares the source's bytes and indices")
  func sharing() throws {
    let chunk = try ChunkOfRows.make(["a"], [["x"], ["y"], ["x"]])
    let result = try transform([ColumnRule(name: "a", type: .text)], from: ["a"]).apply(chunk)
    guard case .text(let before) = chunk.batch.columns[0].values,
      case .text(let after) = result.batch.columns[0].values
    else {
      Issue.record("text became something else")
      return
    }
    #expect(before.storage === after.storage)
    #expect(result.batch.columns[0].indices == [0, 1, 0])
    #expect(result.batchRows == nil && result.rejects.isEmpty)
  }

  @Test("One reject a row: the first problem in column order, all of them in the reason")
  func oneRejectARow() throws {
    let names = ["a", "b", "c"]
    let chunk = try ChunkOfRows.make(
      names,
      [["x", "-1", "Z"], ["1", "2", "A"], ["", "9", "A"], ["1", "x", "A"], ["5", "2", "A"]])
    let result = try transform(
      [
        ColumnRule(name: "a", type: .integer, required: true),
        ColumnRule(name: "b", type: .integer, minimum: "0", maximum: "8"),
        ColumnRule(name: "c", type: .text, oneOf: ["A", "B"]),
      ], from: names,
      rules: [RowRule(name: "a_first", left: "a", comparison: .lessOrEqual, right: "b")]
    ).apply(chunk)
    #expect(result.batch.texts == [["1", "2", "A"]])
    #expect(result.batchRows == [1])
    #expect(result.rejects.map(\.row) == [0, 2, 3, 4])
    #expect(result.rejects.map(\.column) == ["a", "a", "b", nil])
    #expect(result.rejects.map(\.rule) == ["type", "required", "type", "a_first"])
    #expect(
      result.rejects.map(\.reason) == [
        "a: 'x' is not an integer; b: '-1' is less than 0; c: 'Z' is not one of A, B",
        "a: a value is required, found ''; b: '9' is greater than 8",
        "b: 'x' is not an integer",
        "a_first: a ('5') is not <= b ('2')",
      ])
  }

  @Test("What rejects keep of their rows, and reasons with them")
  func retention() throws {
    let names = ["name", "weight"]
    let chunk = try ChunkOfRows.make(names, [["Ünal 3", "12,x"], ["Bob", "7"], nil])
    let columns = [
      ColumnRule(name: "name", type: .text), ColumnRule(name: "weight", type: .integer),
    ]
    let masked = try transform(columns, from: names, raw: .masked).apply(chunk)
    #expect(masked.rejects.map(\.reason)[0] == "weight: '99,x' is not an integer")
    #expect(masked.rejects.map(\.raw) == [Array("xxxx 9~^99,x".utf8), Array("xxxx 9".utf8)])
    let none = try transform(columns, from: names, raw: .none).apply(chunk)
    #expect(none.rejects.map(\.reason)[0] == "weight: the value is not an integer")
    #expect(none.rejects.map(\.raw) == [nil, nil])
    let full = try transform(columns, from: names).apply(chunk)
    #expect(full.rejects.map(\.raw) == [Array("Ünal 3~^12,x".utf8), Array("torn 7".utf8)])

    // The database's own words may quote the row.
    let words = "bad Bob (7) for numeric(7,1), not Bobby"
    let late = full.reject(batchRow: 0, column: "name", reason: words)
    #expect(late.row == 1 && late.rule == "database" && late.reason == words)
    #expect(late.raw == Array("Bob~^7".utf8))
    let lateMasked = masked.reject(batchRow: 0, column: "name", reason: words)
    #expect(lateMasked.reason == "bad xxx (9) for numeric(9,1), not Bobby")
    #expect(lateMasked.raw == Array("xxx~^9".utf8))
    let lateNone = none.reject(batchRow: 0, column: nil, reason: words)
    #expect(lateNone.reason == "bad … (…) for numeric(…,1), not Bobby" && lateNone.raw == nil)
  }

  @Test("A raw row is quoted where the source's format calls for it")
  func quotedRaw() throws {
    let names = ["a", "b", "c"]
    let chunk = try ChunkOfRows.make(names, [["1~^2", "say \"hi\"", "two\nlines"]])
    let result = try transform(
      [ColumnRule(name: "a", type: .integer)], from: names, quote: 0x22
    ).apply(chunk)
    #expect(
      result.rejects[0].raw
        == Array("\"1~^2\"~^\"say \"\"hi\"\"\"~^\"two\nlines\"".utf8))
  }

  @Test("Values are cut and escaped in reasons")
  func longValues() throws {
    let long = String(repeating: "é", count: 150) + "\n"
    let chunk = try ChunkOfRows.make(["a"], [[long], ["tab\there"]])
    let result = try transform([ColumnRule(name: "a", type: .integer)], from: ["a"]).apply(chunk)
    #expect(
      result.rejects.map(\.reason) == [
        "a: '\(String(repeating: "é", count: 100))…' is not an integer",
        "a: 'tab\\there' is not an integer",
      ])
  }

  @Test("Typed columns pass through, are checked, and converted where types differ")
  func typedSource() throws {
    let batch = try RecordBatch(columns: [
      Column(name: "n", type: .integer, values: .integer([5, 70]), indices: [0, Column.null, 1]),
      Column(name: "d", type: .date, values: .date([0, 1, 2])),
      Column(name: "w", type: .numeric(precision: 9, scale: 2), values: .numeric([150, 250, 205])),
    ])
    var chunk = try ChunkOfRows.make(["x"], [["1"], ["2"], ["3"]])
    chunk.batch = batch
    let layout = SourceLayout(columns: ["n", "d", "w"])
    func apply(_ columns: [ColumnRule]) throws -> TransformedChunk {
      // A decimal comma concerns texts of the source only.
      try BatchTransform(
        columns: columns, rules: [], source: SourceOptions(decimal: ","), layout: layout,
        lineage: ChunkOfRows.lineage
      ).apply(chunk)
    }
    let same = try apply([
      ColumnRule(name: "n", type: .integer, maximum: "60"), ColumnRule(name: "d", type: .date),
    ])
    #expect(same.batch.texts == [["5", "1970-01-01"], [nil, "1970-01-02"]])
    #expect(same.rejects.map(\.rule) == ["max"])
    #expect(
      same.rejects[0].raw == Array(#"{"n":70,"d":"1970-01-03","w":2.05}"#.utf8))
    let other = try apply([
      ColumnRule(name: "n", type: .bigint, defaultValue: "9"),
      ColumnRule(name: "d", type: .text),
      ColumnRule(name: "w", type: .numeric(precision: 5, scale: 1)),
    ])
    #expect(other.batch.texts == [["5", "1970-01-01", "1.5"], ["9", "1970-01-02", "2.5"]])
    #expect(other.rejects.map(\.rule) == ["overflow"])
    let required = try apply([ColumnRule(name: "n", type: .integer, required: true)])
    #expect(required.rejects.map(\.reason) == ["n: a value is required"])
    #expect(required.batchRows == [0, 2])
  }

  @Test("Rules compare numbers of different types, and hold where a value is missing")
  func rowRules() throws {
    let names = ["i", "n", "t", "u"]
    let rows = [
      ["1", "1.00", "a", "a"], ["1", "0.99", "a", "b"], ["", "0.99", "b", "a"],
      ["-5", "5", "ä", "z"], ["9", "", "", "a"],
    ]
    for (comparison, broken) in [
      (RowRule.Comparison.less, [0, 1]), (.lessOrEqual, [1]), (.equal, [1, 3]),
      (.notEqual, [0]), (.greaterOrEqual, [3]), (.greater, [0, 3]),
    ] {
      let result = try transform(
        [
          ColumnRule(name: "i", type: .integer),
          ColumnRule(name: "n", type: .numeric(precision: 10, scale: 2)),
        ], from: names,
        rules: [RowRule(name: "r", left: "i", comparison: comparison, right: "n")]
      ).apply(try ChunkOfRows.make(names, rows))
      #expect(result.rejects.map { Int($0.row) } == broken, "\(comparison)")
    }
    let texts = try transform(
      [ColumnRule(name: "t", type: .text), ColumnRule(name: "u", type: .text)], from: names,
      rules: [RowRule(name: "r", left: "t", comparison: .less, right: "u")]
    ).apply(try ChunkOfRows.make(names, rows))
    // "ä" comes after "z": by scalars, not by any language's order.
    #expect(texts.rejects.map { Int($0.row) } == [0, 2, 3])
  }

  @Test("A transform of the user's own must keep rows and columns")
  func userTransform() throws {
    let chunk = try ChunkOfRows.make(["a", "b"], [["x", "1"], ["y", "?"], ["x", "3"]])
    var transform = try transform(
      [ColumnRule(name: "a", type: .text), ColumnRule(name: "b", type: .integer)], from: ["a", "b"])
    transform.userTransform = { batch in
      var batch = batch
      try batch.mapDistinct("a") { $0.uppercased() }
      return batch
    }
    #expect(try transform.apply(chunk).batch.texts == [["X", "1"], ["X", "3"]])
    transform.userTransform = { $0.selecting(rows: [0]) }
    #expect(throws: TransformError.rowCountChanged(given: 2, returned: 1)) {
      try transform.apply(chunk)
    }
    transform.userTransform = { try RecordBatch(columns: [$0.columns[0]]) }
    #expect(throws: TransformError.self) { try transform.apply(chunk) }
  }

  @Test("What cannot work is refused before the first row")
  func compileErrors() throws {
    let names = ["surat_pengantar_barang", "net_weight"]
    #expect(
      throws: TransformError.missingColumns([
        .init(name: "net_wieght", target: "w", nearest: "net_weight")
      ])
    ) {
      try transform(
        [ColumnRule(name: "w", type: .double, origin: .fields(["net_wieght"]))], from: names)
    }
    let rule = ColumnRule(name: "net_weight", type: .integer, minimum: "x")
    #expect(
      throws: TransformError.badRule(
        path: "columns[net_weight].min", message: "'x' is not an integer")
    ) { try transform([rule], from: names) }
  }

  @Test("Extra columns are ignored, refused, added, or kept as JSON")
  func extraColumns() throws {
    let layout = ChunkOfRows.layout(["a", "b", "c"])
    func resolve(_ extra: ExtraColumns) throws -> [ColumnRule]? {
      try Job(
        name: "j", source: SourceOptions(extraColumns: extra),
        columns: [ColumnRule(name: "x", type: .integer, origin: .fields(["a"]))],
        sink: SinkOptions(url: "", table: "t", key: ["x"])
      ).resolveColumns(for: layout)
    }
    let first = ColumnRule(name: "x", type: .integer, origin: .fields(["a"]), required: true)
    #expect(try resolve(.ignore) == [first])
    #expect(
      try resolve(.add) == [
        first, ColumnRule(name: "b", type: .text), ColumnRule(name: "c", type: .text),
      ])
    #expect(
      try resolve(.json) == [first, ColumnRule(name: "extra", type: .json, origin: .remainder)])
    #expect(throws: TransformError.extraColumns(["b", "c"])) { try resolve(.error) }
  }

  @Test("A value that contradicts an inferred type stops the run and says what to paste")
  func contradiction() throws {
    let names = ["id", "num"]
    let transform = try BatchTransform(
      columns: [ColumnRule(name: "id", type: .text), ColumnRule(name: "num", type: .integer)],
      rules: [], source: SourceOptions(), layout: ChunkOfRows.layout(names),
      lineage: ChunkOfRows.lineage, contradictionsStop: true)
    let rows = [["a", "1"], nil, ["b", "30000000000"], ["c", "x"]]
    let error = #expect(throws: TypeContradiction.self) {
      try transform.apply(ChunkOfRows.make(names, rows, firstRow: 100))
    }
    #expect(error?.column == "num" && error?.type == .integer && error?.line == 104)
    #expect(error?.value == "'30000000000'")
    #expect(error?.suggestion.map(\.type) == [.text, .bigint])
    #expect(
      error?.description.split(separator: "\n").dropFirst().map(String.init)
        == ["columns:", "  - { name: id, type: text }", "  - { name: num, type: bigint }"])
  }
}
