import Foundation
import Testing

@testable import Cairn

/// Random rows through one job with many rules, against a row-by-row implementation in Python.
@Suite("Random rows come out as a plain row-by-row implementation has them")
struct TransformOracleTests {
  static let names = ["k", "d", "t", "w", "g", "s", "f", "z"]

  static let columns = [
    ColumnRule(name: "k", type: .text, required: true, trim: true, pattern: "[A-Z]{2}[0-9]+"),
    ColumnRule(
      name: "at", type: .timestamp, origin: .fields(["d", "t"]), nulls: ["00000000 000000"],
      format: "yyyyMMdd HHmmss"),
    ColumnRule(
      name: "w", type: .numeric(precision: 8, scale: 3), minimum: "0", onOverflow: .round),
    ColumnRule(
      name: "g", type: .numeric(precision: 8, scale: 2), defaultValue: "99999", maximum: "99999"),
    ColumnRule(name: "s", type: .text, oneOf: ["A", "B", "ÄÖ"], maxLength: 2),
    ColumnRule(name: "f", type: .boolean, trueWords: ["X"], falseWords: ["-", ""]),
    ColumnRule(name: "z", type: .bigint, required: true),
  ]

  static let script = """
    import re, datetime
    from decimal import Decimal, ROUND_HALF_UP
    nulls = {'', 'NA'}
    number = re.compile(r'[-+]?[0-9]*(?:,[0-9]*)?(?:e[0-9]+)?')
    def num(t):
        neg = t.endswith('-') and t[:1] not in '+-'
        if neg: t = t[:-1]
        if not number.fullmatch(t) or not re.search('[0-9]', t): return None
        v = Decimal(t.replace(',', '.'))
        return -v if neg else v
    def text(v, s): return str(v.quantize(Decimal(1).scaleb(-s)) + 0)
    def strip(t): return t.strip(' \\t')
    def row(r):
        out, bad = [], []
        def fail(c, rule): bad.append([c, rule]); out.append(None)
        k, d, t, w, g, s, f, z = r
        k = strip(k)
        if k in nulls: fail('k', 'required')
        elif not re.fullmatch('[A-Z]{2}[0-9]+', k): fail('k', 'pattern')
        else: out.append(k)
        parts = [p for p in (strip(d), strip(t)) if p not in nulls]
        j = strip(' '.join(parts))
        if j in nulls or j == '00000000 000000': out.append(None)
        else:
            try:
                if not re.fullmatch(r'[0-9]{8} [0-9]{6}', j): raise ValueError
                out.append(datetime.datetime.strptime(j, '%Y%m%d %H%M%S').isoformat())
            except ValueError: fail('at', 'type')
        def numeric(c, t, p, s, rounds, low=None, high=None, default=None):
            t = strip(t)
            if t in nulls: out.append(default); return
            v = num(t)
            if v is None: fail(c, 'type'); return
            q = v.quantize(Decimal(1).scaleb(-s), rounding=ROUND_HALF_UP)
            if (q != v and not rounds) or abs(q) >= 10 ** (p - s): fail(c, 'overflow')
            elif low is not None and q < low: fail(c, 'min')
            elif high is not None and q > high: fail(c, 'max')
            else: out.append(text(q, s))
        numeric('w', w, 8, 3, True, low=0)
        numeric('g', g, 8, 2, False, high=99999, default='99999.00')
        if strip(s) in nulls: out.append(None)
        elif s not in ('A', 'B', '\\u00c4\\u00d6'): fail('s', 'one_of')
        else: out.append(s)
        f = strip(f)
        if f.lower() == 'x': out.append('true')
        elif f in ('-', ''): out.append('false')
        elif f in nulls: out.append(None)
        else: fail('f', 'type')
        z = strip(z)
        v = None if z in nulls else num(z)
        if z in nulls: fail('z', 'required')
        elif v is None: fail('z', 'type')
        elif v != int(v) or not -2**63 <= v < 2**63: fail('z', 'overflow')
        else: out.append(str(int(v)))
        cols = {c for c, _ in bad}
        if 'w' not in cols and 'g' not in cols and out[2] is not None and out[3] is not None:
            if Decimal(out[2]) > Decimal(out[3]): bad.append([None, 'w_below_g'])
        return {'values': None if bad else out, 'column': bad[0][0] if bad else None,
                'rule': bad[0][1] if bad else None, 'problems': len(bad)}
    print(json.dumps([row(r) for r in data]))
    """

  private struct Answer: Decodable {
    var values: [String?]?
    var column: String?
    var rule: String?
    var problems: Int
  }

  static let pools: [[String]] = [
    ["AB1", "CD22", " EF333 ", "ab1", "", "NA", "AB", "AB1x"],
    ["20250129", "20240229", "20230229", "00000000", "", "NA", " 20250101"],
    ["143022", "000000", "235959", "240000", "", "NA", "14302"],
    [
      "1", "1,5", "1,2345", "12,3455-", "0,0004", "0,0005", "", "NA", "x", "99999,9995", "1.5",
      ",5",
    ],
    ["2", "2,50", "2,505", "100000", "99999", "99999,01", "", "-1", "1e3"],
    ["A", "B", "ÄÖ", "C", " A", "", "NA", "  "],
    ["X", "x", "-", "", "NA", "true", " X "],
    ["1", "-5", "9223372036854775807", "9223372036854775808", "7,0", "7,5", "", "007"],
  ]

  @Test(
    "Dictionary-coded and plain", .enabled(if: ValueOracle.isAvailable), arguments: [false, true])
  func randomRows(isPlain: Bool) async throws {
    var numbers = SeededNumbers()
    let rows = (0..<3000).map { _ in
      Self.pools.map { pool in
        // Mostly the first, good values, so that a fair share of the rows is accepted.
        Bool.random(using: &numbers) || Bool.random(using: &numbers)
          ? pool[Int.random(in: 0..<2, using: &numbers)]
          : pool[Int.random(in: 0..<pool.count, using: &numbers)]
      }
    }
    let answers = try await ValueOracle.run(Self.script, input: rows, as: [Answer].self)
    let transform = try BatchTransform(
      columns: Self.columns,
      rules: [RowRule(name: "w_below_g", left: "w", comparison: .lessOrEqual, right: "g")],
      source: SourceOptions(nulls: ["", "NA"], decimal: ","),
      layout: ChunkOfRows.layout(Self.names), lineage: ChunkOfRows.lineage)
    let chunk = try ChunkOfRows.make(Self.names, rows, isPlain: isPlain)
    let result = try transform.apply(chunk)

    let accepted = answers.count { $0.values != nil }
    #expect(accepted > 200 && accepted < 2800)
    var outcomes = [String?](repeating: nil, count: rows.count)
    for (place, row) in try #require(result.batchRows).enumerated() {
      outcomes[Int(row)] = "\(result.batch.texts(ofRow: place))"
    }
    for reject in result.rejects {
      let problems = reject.reason.components(separatedBy: "; ").count
      outcomes[Int(reject.row)] =
        "\(reject.column ?? "-") \(reject.rule) \(problems) \(String(decoding: reject.raw ?? [], as: UTF8.self))"
    }
    let expected = zip(rows, answers).map { row, answer in
      answer.values.map { "\($0)" }
        ?? "\(answer.column ?? "-") \(answer.rule ?? "") \(answer.problems) \(row.joined(separator: "~^"))"
    }
    let wrong = zip(outcomes, expected).filter { $0 != $1 }
      .map { "\($0 ?? "neither accepted nor rejected") instead of \($1)" }
    #expect(wrong.prefix(5) == [])
    #expect(result.rejects.map(\.row) == result.rejects.map(\.row).sorted())
  }

  @Test("Combinations are joined once each, few or many", arguments: [3, 2000])
  func joinedColumns(distinct: Int) throws {
    var numbers = SeededNumbers()
    let rows = (0..<4000).map { _ in
      (0..<3).map { _ in
        let number = Int.random(in: 0..<distinct, using: &numbers)
        return number == 0 ? "NA" : " v\(number)"
      }
    }
    let transform = try BatchTransform(
      columns: [ColumnRule(name: "j", type: .text, origin: .fields(["a", "b", "c"]), trim: true)],
      rules: [], source: SourceOptions(nulls: ["", "NA"]),
      layout: ChunkOfRows.layout(["a", "b", "c"]), lineage: ChunkOfRows.lineage)
    let result = try transform.apply(try ChunkOfRows.make(["a", "b", "c"], rows))
    let expected = rows.map { row -> String? in
      let parts = row.filter { $0 != "NA" }.map { String($0.dropFirst()) }
      return parts.isEmpty ? nil : parts.joined(separator: " ")
    }
    #expect(result.batch.texts.map { $0[0] } == expected)
    #expect(result.batch.columns[0].values.count <= Set(rows).count)
  }
}
