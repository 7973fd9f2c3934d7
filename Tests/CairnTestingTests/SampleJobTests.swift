import Cairn
import Foundation
import Parquet
import Testing

@testable import CairnTesting

/// The companion job and the expectation must mean the same: Cairn's own rules, applied to the
/// sample's fields, reject and accept what the generator says.
struct SampleJobTests {
  @Test("Both jobs are valid job files, in every mode")
  func valid() throws {
    for mode in LoadMode.allCases {
      for text in [
        SampleJob.typed(sink: "sqlite:a b.db", mode: mode.rawValue),
        SampleJob.text(sink: "sqlite:a b.db", mode: mode.rawValue),
      ] {
        let file = try JobFile.parse(text, path: "/jobs/sample.yaml")
        try file.validate(file.job)
        #expect(file.job.sink.mode == mode)
        #expect(file.job.sink.key == (mode == .append ? [] : [SampleColumn.key]))
        #expect(file.job.errors.maximumRows == 1_000_000)
      }
    }
    let typed = try JobFile.parse(SampleJob.typed(sink: "sqlite:x.db"), path: "/j.yaml").job
    let types = typed.columns?.map { $0.type.description.prefix { $0 != "(" } } ?? []
    #expect(types.filter { $0 == "timestamp" }.count == 5)
    #expect(types.filter { $0 == "numeric" }.count == 6)
    #expect(types.filter { $0 == "date" }.count == 1)
    #expect(typed.columns?.map(\.name) == SampleColumn.typedNames)
  }

  @Test("Under the companion job Cairn rejects and accepts what the generator expects")
  func typed() throws {
    let sample = try SampleExtract(rows: 1_000, seed: 9, badRate: 0.1, duplicateRate: 0.2)
      .generate()
    let transformed = try transform(
      sample.bytes, by: SampleJob.typed(sink: "sqlite:x.db"), rows: sample.expectation.rows)

    // Fields were split by hand here, so that rows that cannot be read are left out of the chunk.
    let planted = sample.expectation.defects.filter { !$0.defect.isMalformed }
    #expect(planted.count > 30)
    let rejects = transformed.rejects.filter { $0.rule != "field_count" }
    #expect(rejects.map { Int($0.row) } == planted.map(\.row))
    #expect(rejects.map(\.rule) == planted.map(\.defect.rule))
    #expect(rejects.map { Int($0.byteOffset) } == planted.map(\.byteOffset))
    for (reject, defect) in zip(rejects, planted.map(\.defect)) where defect.column != nil {
      #expect(reject.column == defect.column)
    }
    var tally = SampleTally.typed()
    for row in 0..<transformed.batch.rowCount {
      try tally.add(row: transformed.batch.columns.map { canonical($0, row) })
    }
    #expect(sample.expectation.typed.append.differences(from: tally.content).isEmpty)
  }

  @Test("As text Cairn rejects only rows without a number")
  func text() throws {
    let sample = try SampleExtract(rows: 500, seed: 9, badRate: 0.1).generate()
    let transformed = try transform(
      sample.bytes, by: SampleJob.text(sink: "sqlite:x.db", mode: "append"),
      rows: sample.expectation.rows)
    var tally = SampleTally.text()
    for row in 0..<transformed.batch.rowCount {
      try tally.add(row: transformed.batch.columns.map { canonical($0, row) })
    }
    #expect(sample.expectation.raw.append.differences(from: tally.content).isEmpty)

    let keyed = try transform(
      sample.bytes, by: SampleJob.text(sink: "sqlite:x.db"), rows: sample.expectation.rows)
    let missing = sample.expectation.defects.filter { $0.defect == .missingKey }
    #expect(!missing.isEmpty)
    #expect(
      keyed.rejects.filter { $0.rule == "required" }.map { Int($0.row) } == missing.map(\.row))
  }

  private func transform(_ bytes: [UInt8], by yaml: String, rows: Int) throws -> TransformedChunk {
    let job = try JobFile.parse(yaml, path: "/jobs/sample.yaml").job
    let names = SampleColumn.all.map(\.name)
    var columns: [[String]] = names.map { _ in [] }
    var malformed: [MalformedRow] = []
    var offsets: [UInt32] = []
    for (number, line) in bytes.split(separator: 0x0A).dropFirst().enumerated() {
      offsets.append(UInt32(line.startIndex))
      let text = String(validating: line, as: UTF8.self)
      let fields = text?.components(separatedBy: "~^") ?? []
      if fields.count == names.count {
        for (index, field) in fields.enumerated() { columns[index].append(field) }
      } else {
        malformed.append(
          MalformedRow(
            row: UInt32(number), defect: .fieldCount(found: fields.count, expected: names.count),
            raw: Array(line)))
      }
    }
    let layout = SourceLayout(
      columns: names,
      text: DelimitedText(delimiter: SampleColumn.delimiter, dataOffset: 0, dataLine: 2))
    let chunk = SourceChunk(
      extent: ChunkExtent(
        start: .start,
        end: SourcePosition(
          chunk: 1, offset: UInt64(bytes.count), row: UInt64(rows), line: UInt64(rows) + 2)),
      contentDigest: "",
      batch: try RecordBatch(
        columns: zip(names, columns).map {
          Column(name: $0, type: .text, values: .text(ByteStrings($1)))
        }),
      malformed: malformed,
      origins: RowOrigins(byteOffsets: offsets, lineOffsets: nil, firstRowLine: 2))
    let rules = try #require(try job.resolveColumns(for: layout))
    return try BatchTransform(
      columns: rules, rules: job.rules, source: job.source, layout: layout,
      lineage: LineageValues(file: "sample.dat", run: "run", loadedAt: 0)
    ).apply(chunk)
  }

  /// A value in the form that digests are made of.
  private func canonical(_ column: Column, _ row: Int) -> String? {
    guard let index = column.valueIndex(atRow: row) else { return nil }
    switch (column.values, column.type) {
    case (.text(let texts), _): return texts[index]
    case (.date(let days), _): return iso(Double(days[index]) * 86_400, "yyyy-MM-dd")
    case (.timestamp(let microseconds), _):
      return iso(Double(microseconds[index] / 1_000_000), "yyyy-MM-dd HH:mm:ss")
    case (.numeric(let values), .numeric(_, let scale)):
      let digits = String(values[index].magnitude)
      let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
      return (values[index] < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    default: return "a value of type \(column.type)"
    }
  }

  private func iso(_ seconds: Double, _ format: String) -> String {
    formatter.dateFormat = format
    return formatter.string(from: Date(timeIntervalSince1970: seconds))
  }

  private let formatter: DateFormatter = {
    let formatter = DateFormatter()
    formatter.calendar = Calendar(identifier: .gregorian)
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    return formatter
  }()
}
