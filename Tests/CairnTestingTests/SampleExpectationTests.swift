import Testing

@testable import CairnTesting

/// The generator says what a load must yield without parsing; here the file itself is read, by the
/// oracle and by hand, and both must come to the same.
struct SampleExpectationTests {
  private let sample: (bytes: [UInt8], expectation: SampleExpectation)

  init() throws {
    sample = try SampleExtract(rows: 2_000, seed: 5, badRate: 0.06, duplicateRate: 0.25).generate()
  }

  @Test("As text, upserted and appended, the oracle reads what the generator expects")
  func text() throws {
    var upserted = LoadOracle()
    let account = try upserted.load(sample.bytes, mode: .upsert)
    #expect(upserted.columns == SampleColumn.all.map(\.name))
    #expect(account.read == sample.expectation.rows)
    #expect(account.inserted == sample.expectation.raw.upsert.rows)
    expect(account.rejected, match: sample.expectation.rejectedAsText)
    let found = try tally(.text(), upserted.rows)
    #expect(sample.expectation.raw.upsert.differences(from: found).isEmpty)

    var inserted = LoadOracle()
    try inserted.load(sample.bytes, mode: .insertOnly)
    #expect(sample.expectation.raw.insertOnly == (try tally(.text(), inserted.rows)))

    var appended = LoadOracle(key: [])
    let appendAccount = try appended.load(sample.bytes, mode: .append)
    expect(appendAccount.rejected, match: sample.expectation.malformed)
    let all = try tally(.text(), appended.rows)
    #expect(sample.expectation.raw.append.differences(from: all).isEmpty)
  }

  @Test("Under the companion job, reading by hand yields what the generator expects")
  func typed() throws {
    var table: [String: [String?]] = [:]
    var all: [[String?]] = []
    var accepted = Set<Int>()
    for (number, line) in sample.bytes.split(separator: 0x0A).dropFirst().enumerated() {
      guard let text = String(validating: line, as: UTF8.self) else { continue }
      let fields = text.split(separator: "~^", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 45, let row = TypedRow.read(fields), let key = row[0] else { continue }
      accepted.insert(number)
      table[key] = row
      all.append(row)
    }
    let rejected = Set(sample.expectation.rejectedAsTyped.map(\.row))
    #expect(rejected.isDisjoint(with: accepted))
    #expect(rejected.count + accepted.count == sample.expectation.rows)

    let upserted = try tally(.typed(), table.values)
    #expect(sample.expectation.typed.upsert.differences(from: upserted).isEmpty)
    let appended = try tally(.typed(), all)
    #expect(sample.expectation.typed.append.differences(from: appended).isEmpty)
    // What is compared is not empty or plain.
    #expect(upserted.sums.count == 6)
    #expect(upserted.filled["arrived_at"] ?? 0 < upserted.rows)
    #expect(appended.rows > upserted.rows + 200)
    #expect(all.contains { $0.contains { $0?.hasPrefix("-") ?? false } })
  }

  @Test("Places of defects are where the file has those rows")
  func places() throws {
    let lines = sample.bytes.split(separator: 0x0A)
    for planted in sample.expectation.defects {
      let line = lines[planted.line - 1]
      #expect(planted.line == planted.row + 2)
      #expect(line.startIndex == planted.byteOffset)
    }
    #expect(sample.expectation.bytes == sample.bytes.count)
  }

  @Test("A difference in one value of one row is found, and named")
  func differences() throws {
    var oracle = LoadOracle()
    try oracle.load(sample.bytes, mode: .upsert)
    var rows = oracle.rows
    rows[17][44] = "changed"
    let changed = try tally(.text(), rows)
    let expected = sample.expectation.raw.upsert
    #expect(expected.differences(from: changed).count >= 1)
    rows.removeLast()
    let short = try tally(.text(), rows)
    #expect(expected.differences(from: short).first?.contains("rows, found") == true)
    #expect(throws: SampleTallyError.columnCount(found: 1, expected: 45)) {
      var tally = SampleTally.text()
      try tally.add(row: ["1"])
    }
  }

  private func tally(
    _ empty: SampleTally, _ rows: some Sequence<[String?]>
  ) throws -> SampleContent {
    var tally = empty
    for row in rows { try tally.add(row: row) }
    return tally.content
  }

  private func expect(
    _ rejected: [LoadOracle.Rejected], match planted: [SampleExpectation.Planted]
  ) {
    #expect(rejected.map(\.row) == planted.map(\.row))
    #expect(rejected.map(\.line) == planted.map(\.line))
    #expect(rejected.map(\.byteOffset) == planted.map(\.byteOffset))
    #expect(rejected.map(\.rule) == planted.map(\.defect.rule))
  }
}

/// A row of the companion job, read by hand from the fields of the extract.
private enum TypedRow {
  static func read(_ fields: [String]) -> [String?]? {
    var row: [String?] = []
    var index = 0
    while index < fields.count {
      let field = fields[index]
      switch index {
      case 3:
        guard let day = day(field) else { return nil }
        row.append(day.isEmpty ? nil : day)
      case 22, 24, 26, 28, 30:
        guard let day = day(field) else { return nil }
        let time = fields[index + 1]
        let clock = "\(time.prefix(2)):\(time.dropFirst(2).prefix(2)):\(time.suffix(2))"
        row.append(day.isEmpty ? nil : "\(day) \(clock)")
        index += 1
      case 32...35: row.append(number(field, scale: 3))
      case 37: row.append(number(field, scale: 1))
      case 38: row.append(number(field, scale: 2))
      default: row.append(field.isEmpty ? nil : field)
      }
      if [32, 33, 34, 35, 37, 38].contains(index), row.last == .some(nil) { return nil }
      index += 1
    }
    guard row[0] != nil, ["A", "B", "C", "X"].contains(fields[40]) else { return nil }
    guard let gross = Double(row[27] ?? ""), let net = Double(row[29] ?? ""), net <= gross else {
      return nil
    }
    return row
  }

  /// An ISO date, empty for the zero date, nil for what is no date.
  private static func day(_ field: String) -> String? {
    if field == "00000000" { return "" }
    guard field.count == 8, let year = Int(field.prefix(4)),
      let month = Int(field.dropFirst(4).prefix(2)), let day = Int(field.suffix(2)),
      (1...12).contains(month)
    else { return nil }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...lengths[month - 1]).contains(day) else { return nil }
    return "\(field.prefix(4))-\(field.dropFirst(4).prefix(2))-\(field.suffix(2))"
  }

  private static func number(_ field: String, scale: Int) -> String? {
    let negative = field.hasSuffix("-")
    let digits = negative ? String(field.dropLast()) : field
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].count == scale, !parts[0].isEmpty,
      parts.allSatisfy({ $0.allSatisfy { ("0"..."9").contains($0) } })
    else { return nil }
    return (negative ? "-" : "") + digits
  }
}
