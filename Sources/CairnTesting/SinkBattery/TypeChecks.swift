internal import Cairn

/// Every type there and back, with nulls and extremes, and as keys.
enum TypeChecks {
  private static let digits38 = Int128("99999999999999999999999999999999999999") ?? .max
  private static let day: Int64 = 86_400_000_000

  /// Types, and values of each.
  private static let values: [(ColumnType, [CellValue])] = [
    (
      .text,
      [
        .text(""), .text("plain"), .text(" spaced "), .text("00123"), .text("1e5"),
        .text("naïve 日本語 🪨"), .text("a'b\"c;--"), .text("tab\tnew\nline"), .text("NULL"),
        .text(String(repeating: "long ", count: 50_000)),
      ]
    ),
    (.json, [.text("{}"), .text("[1, 2.50, \"x\"]"), .text("{\"a\": {\"b\": null}}")]),
    (.boolean, [.boolean(true), .boolean(false)]),
    (.integer, [.integer(0), .integer(-1), .integer(2_147_483_647), .integer(-2_147_483_648)]),
    (.bigint, [.integer(0), .integer(.max), .integer(.min), .integer(9_007_199_254_740_993)]),
    (
      .double,
      [
        .double(0), .double(1.5), .double(-0.1), .double(.greatestFiniteMagnitude),
        .double(.leastNonzeroMagnitude), .double(1e300), .double(0.1 + 0.2), .double(5),
      ]
    ),
    (
      .numeric(precision: 12, scale: 3),
      [
        .numeric(0), .numeric(1), .numeric(-1), .numeric(12_500), .numeric(999_999_999_999),
        .numeric(-999_999_999_999), .numeric(100),
      ]
    ),
    (
      .numeric(precision: 18, scale: 3),
      [
        .numeric(1_234), .numeric(999_999_999_999_999_999), .numeric(-123_456_789_012_345_678),
        .numeric(123_456_789_012_345), .numeric(999_999_999_999_999_000),
      ]
    ),
    (.numeric(precision: 18, scale: 0), [.numeric(5), .numeric(999_999_999_999_999_999)]),
    (
      .numeric(precision: 38, scale: 0),
      [.numeric(digits38), .numeric(-digits38), .numeric(7), .numeric(18_446_744_073_709_551_616)]
    ),
    (
      .numeric(precision: 38, scale: 38),
      [.numeric(digits38), .numeric(1), .numeric(-1), .numeric(digits38 / 10 + 1)]
    ),
    (.date, [.date(0), .date(-1), .date(20_117), .date(-719_162), .date(2_932_896)]),
    (.time, [.time(0), .time(1), .time(day - 1), .time(45_296_000_000), .time(45_296_500_000)]),
    (
      .timestamp,
      [
        .timestamp(0), .timestamp(-1), .timestamp(1_738_161_022_123_456),
        .timestamp(1_738_161_022_000_000), .timestamp(-719_162 * day),
        .timestamp(2_932_897 * day - 1),
      ]
    ),
    (
      .timestamptz,
      [
        .timestamp(0), .timestamp(-1), .timestamp(1_738_161_022_123_456),
        .timestamp(1_738_161_022_000_000), .timestamp(2_932_897 * day - 1),
      ]
    ),
    (.uuid, [.uuid(0), .uuid(.max), .uuid(0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF)]),
  ]

  static let all =
    [
      SinkCheck("a row of every type, and one of nulls") { place in
        let sink = try await place.makeSink()
        var target = TargetTable(
          name: "every_type", columns: [TargetColumn(name: "id", type: .integer, isRequired: true)],
          key: ["id"], mode: .upsert)
        for (number, (type, _)) in values.enumerated() {
          target.columns.append(
            TargetColumn(name: "c\(number)", type: type, isRequired: false))
        }
        let rows = [
          [.integer(1)] + values.map { $0.1[0] }, [.integer(2)] + values.map { _ in .null },
        ]
        let run = try await Scripted.begin(
          1, target, [rows.map(ScriptedRow.accepted), rows.map(ScriptedRow.accepted)], on: sink)
        try await run.commit(0, to: sink)
        try Scripted.expectCommitted(
          try await run.commit(1, to: sink), Scripted.counts(rows: 2, unchanged: 2))
        try await Scripted.expectRows(target, rows, at: place)
      }
    ]
    + values.map { type, values in
      SinkCheck("\(type): values come back, as cells and as keys") { place in
        let sink = try await place.makeSink()
        let plain = TargetTable(
          name: "cells",
          columns: [
            TargetColumn(name: "id", type: .integer, isRequired: true),
            TargetColumn(name: "v", type: type, isRequired: false),
          ], key: ["id"], mode: .upsert)
        let rows = (values + [.null]).enumerated().map { [.integer(Int64($0)), $1] }
        let run = try await Scripted.begin(
          1, plain, [rows.map(ScriptedRow.accepted), rows.map(ScriptedRow.accepted)], on: sink)
        try Scripted.expectCommitted(
          try await run.commit(0, to: sink),
          Scripted.counts(rows: rows.count, inserted: rows.count))
        try Scripted.expectCommitted(
          try await run.commit(1, to: sink),
          Scripted.counts(rows: rows.count, unchanged: rows.count))
        try await Scripted.expectRows(plain, rows, at: place)

        // JSON has no equality that databases agree on.
        if type == .json { return }
        let keyed = TargetTable(
          name: "keys",
          columns: [
            TargetColumn(name: "v", type: type, isRequired: true),
            TargetColumn(name: "n", type: .integer, isRequired: false),
          ], key: ["v"], mode: .upsert)
        // Text beyond what an index entry may hold is no key.
        let keys = values.filter {
          if case .text(let it) = $0 { it.utf8.count < 1_000 } else { true }
        }
        let first = keys.map { ScriptedRow.accepted([$0, .integer(1)]) }
        let second = keys.map { ScriptedRow.accepted([$0, .integer(2)]) }
        let third = keys.map { ScriptedRow.accepted([$0, .integer(3)]) }
        let keyedRun = try await Scripted.begin(2, keyed, [first + second, third], on: sink)
        try Scripted.expectCommitted(
          try await keyedRun.commit(0, to: sink),
          Scripted.counts(
            rows: 2 * keys.count, inserted: keys.count, superseded: keys.count), "keys")
        try Scripted.expectCommitted(
          try await keyedRun.commit(1, to: sink),
          Scripted.counts(rows: keys.count, updated: keys.count), "keys again")
        try await Scripted.expectRows(keyed, keys.map { [$0, .integer(3)] }, at: place)
      }
    }
}
