import Testing

@testable import Cairn

@Suite("Columns get the types that a person would give them")
struct TypeInferenceTests {
  static let cases: [(values: [String], type: ColumnType)] = [
    ([], .text), ([""], .text), (["1", "-20", "", "0"], .integer), (["999999999"], .integer),
    (["1000000000", "1"], .bigint), (["9223372036854775807"], .bigint),
    (["9223372036854775808"], .text), (["007", "8"], .text), (["0", "00"], .text),
    (["+62812345", "1"], .text), (["1", "x"], .text), (["12-", "3"], .integer),
    (["12.340", "5.001"], .numeric(precision: 18, scale: 3)), (["12.34", "5.01"], .double),
    (["12.5", "5"], .double), (["12.50", "5.10", "7"], .double), (["0.5", ".25"], .double),
    (["00.5"], .text), (["-0.5"], .double),
    (["1234567890123.120", "0.001"], .numeric(precision: 38, scale: 3)),
    (["12345678901234567.5", "1.25"], .numeric(precision: 38, scale: 2)),
    (["1.5e3", "2"], .double), (["1e-3"], .double), (["12E4", "13E5"], .text),
    (["1,5"], .text), (["1.", "2."], .double),
    (["true", "FALSE"], .boolean), (["true", "0"], .text), (["0", "1"], .integer),
    (["yes", "no"], .text), (["2013-01-01", "1999-12-31"], .date), (["2013-02-30"], .text),
    (["2013-01-01T10:00:00Z", "2013-01-01T11:00:00+02:00"], .timestamptz),
    (["2013-01-01T10:00:00Z", "2013-01-01T10:00:00"], .text),
    (["2013-01-01 10:00:00", "2013-01-01"], .timestamp), (["10:00", "23:59:59.5"], .time),
    (["20130101"], .integer), (["01.02.2013"], .text),
    (["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"], .uuid),
    (["f81d4fae7dec11d0a76500a0c91e6bf6"], .text),
    (["nan", "1"], .text), (["-"], .text), (["."], .text), ([" 5 ", "6"], .integer),
    ([String(repeating: "9", count: 70)], .text),
  ]

  @Test("By their values", arguments: cases.indices)
  func byValues(index: Int) throws {
    let (values, type) = Self.cases[index]
    let chunk = try ChunkOfRows.make(["c"], values.map { [$0] })
    let inferred = TypeInference.infer(from: chunk, source: SourceOptions(), key: ["c"])
    #expect(inferred.rules == [ColumnRule(name: "c", type: type, required: true)], "\(values)")
    // What was inferred holds all the values it was inferred from.
    let transform = try BatchTransform(
      columns: inferred.rules.map { ColumnRule(name: $0.name, type: $0.type) }, rules: [],
      source: SourceOptions(), layout: ChunkOfRows.layout(["c"]), lineage: ChunkOfRows.lineage)
    #expect(try transform.apply(chunk).rejects == [])
  }

  @Test("The flights' columns: missing values are NA")
  func flights() throws {
    let header =
      "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,"
      + "flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
    let names = header.split(separator: ",").map(String.init)
    let rows = [
      "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z",
      "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z",
      "2013,1,1,542,540,-2,923,850,33,AA,1141,NA,JFK,MIA,160,1089,5,40,2013-01-01T10:00:00Z",
    ].map { $0.split(separator: ",").map(String.init) }
    let inferred = TypeInference.infer(
      from: try ChunkOfRows.make(names, rows), source: SourceOptions(nulls: ["NA"]))
    let texts: Set = ["carrier", "tailnum", "origin", "dest"]
    #expect(
      inferred.rules.map(\.type)
        == names.map { texts.contains($0) ? .text : $0 == "time_hour" ? .timestamptz : .integer })
  }

  @Test("A decimal comma is the source's to say")
  func decimalComma() throws {
    let chunk = try ChunkOfRows.make(["c"], [["1.234,50"], ["7,25"], ["12,00-"]])
    let options = SourceOptions(decimal: ",", thousands: ".")
    let inferred = TypeInference.infer(from: chunk, source: options)
    #expect(inferred.rules.map(\.type) == [.numeric(precision: 18, scale: 2)])
  }

  @Test("A lone word among numbers is named as the reason")
  func reasons() throws {
    let rows = (0..<100).map { [$0 == 40 ? "N/A" : "\($0)"] }
    let inferred = TypeInference.infer(
      from: try ChunkOfRows.make(["c"], rows), source: SourceOptions())
    #expect(inferred.columns[0].rule.type == .text)
    #expect(
      inferred.columns[0].reason
        == "nearly all values have another type, but there is 'N/A'; if it means \"no value\", name it "
        + "among the nulls")
  }
}
