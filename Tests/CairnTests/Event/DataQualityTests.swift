import Parquet
import Testing

@testable import Cairn

@Suite struct DataQualityTests {
  /// Row by row, as anybody would.
  private func plain(_ rows: [Double?]) -> (missing: Int, outliers: Int) {
    let numbers = rows.compactMap { $0 }
    guard numbers.count >= 30 else { return (rows.count - numbers.count, 0) }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let deviation =
      (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count - 1))
      .squareRoot()
    return (rows.count - numbers.count, numbers.count { abs($0 - mean) > 3 * deviation })
  }

  private func column(_ name: String, _ rows: [Int?], shared: Bool) -> Column {
    if !shared, !rows.contains(nil) {
      return Column(
        name: name, type: .bigint, values: .bigint(rows.compactMap { $0.map { Int64($0) } }))
    }
    let distinct = Array(Set(rows.compactMap { $0 })).sorted()
    return Column(
      name: name, type: .bigint, values: .bigint(distinct.map { Int64($0) }),
      indices: rows.map { row in
        row.flatMap { distinct.firstIndex(of: $0) }.map { UInt32($0) } ?? Column.null
      })
  }

  @Test("missing values and outliers agree with a plain count", arguments: 0..<20, [false, true])
  func plainCount(_ seed: Int, _ shared: Bool) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let rows: [Int?] = (0..<(20 + seed * 40)).map { _ in
      if shared, next(9) == 0 { return nil }
      return next(60) == 0 ? next(100_000) : next(50)
    }
    let batch = try RecordBatch(
      columns: [
        column("n", rows, shared: shared),
        Column(name: "t", type: .text, values: .text(ByteStrings(rows.map { "\($0 ?? 0)" }))),
      ])
    let quality = DataQuality(batch)
    let expected = plain(rows.map { $0.map { Double($0) } })
    #expect(quality.rows == rows.count)
    #expect(quality.columns.map(\.missing) == [expected.missing, 0])
    #expect(quality.columns.map(\.outliers) == [expected.outliers, 0])
    #expect(quality.missingRate == Double(expected.missing) / Double(2 * rows.count))
    var twice = DataQuality()
    twice += quality
    twice += quality
    #expect(twice.rows == 2 * rows.count && twice.outliers == 2 * expected.outliers)
    #expect(twice.missingRate == quality.missingRate)
  }

  @Test("the metadata names the columns of which there is something to say")
  func metadata() throws {
    let batch = try RecordBatch(
      columns: [
        column("a", [1, nil, 3, nil], shared: true), column("b", [1, 2, 3, 4], shared: false),
      ])
    #expect(
      DataQuality(batch).metadata == [
        "rows": 4, "missing_rate": 0.25, "outliers": 0,
        "columns": ["a": ["missing_rate": 0.5, "outliers": 0]],
      ])
  }
}
