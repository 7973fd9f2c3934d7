import Testing

@testable import CairnTesting

struct LoadOracleTests {
  private let comma = LoadOracle.Format(delimiter: [0x2C])

  @Test("The last row of a key wins, across files too")
  func upsert() throws {
    var oracle = LoadOracle(key: ["Id"].map { $0.lowercased() }, format: comma)
    var account = try oracle.load(Array("Id,Some Name\r\n1,a\r\n2,b\r\n1,c".utf8), mode: .upsert)
    #expect(oracle.columns == ["id", "some_name"])
    #expect(oracle.rows == [["1", "c"], ["2", "b"]])
    #expect(account.read == 3)
    #expect(account.inserted == 2)
    account = try oracle.load(Array("id,some_name\n3,\n2,z\n".utf8), mode: .upsert)
    #expect(oracle.rows == [["1", "c"], ["2", "z"], ["3", nil]])
    #expect(account.inserted == 1)
  }

  @Test("Insert-only leaves what was there, replace does not, append takes every row")
  func otherModes() throws {
    var oracle = LoadOracle(key: ["k"], format: comma)
    try oracle.load(Array("k,v\n1,a\n".utf8), mode: .upsert)
    try oracle.load(Array("k,v\n1,b\n2,c\n2,d\n".utf8), mode: .insertOnly)
    #expect(oracle.rows == [["1", "a"], ["2", "d"]])
    try oracle.load(Array("k,v\n2,e\n".utf8), mode: .replace)
    #expect(oracle.rows == [["2", "e"]])

    var heap = LoadOracle(key: [], format: comma)
    try heap.load(Array("k,v\n1,a\n1,a\n".utf8), mode: .append)
    try heap.load(Array("k,v\n1,a\n".utf8), mode: .append)
    #expect(heap.rows.count == 3)
  }

  @Test("Malformed rows are named with their place")
  func malformed() throws {
    var oracle = LoadOracle(
      key: ["k"], format: .init(delimiter: Array("~^".utf8), maximumFieldBytes: 4))
    let source =
      Array("k~^v\n1~^a~b^\n2\n3~^a~^b\n~^x\n4~^12345\n5~^".utf8) + [0xC3]
      + Array("\n6~^".utf8) + [0xC3, 0xA9, 0x0A]
    let account = try oracle.load(source, mode: .upsert)
    #expect(oracle.rows == [["1", "a~b^"], ["6", "é"]])
    #expect(
      account.rejected.map(\.rule) == [
        "field_count", "field_count", "required", "field_size", "encoding",
      ])
    #expect(account.rejected.map(\.row) == [1, 2, 3, 4, 5])
    #expect(account.rejected.map(\.line) == [3, 4, 5, 6, 7])
    #expect(account.rejected[0].byteOffset == 13)
    #expect(account.rejected[1].raw == Array("3~^a~^b".utf8))
  }

  @Test("A header that does not fit is an error")
  func headers() throws {
    var oracle = LoadOracle(key: ["k"], format: comma)
    #expect(throws: LoadOracleError.noHeader) { try oracle.load([], mode: .upsert) }
    #expect(throws: LoadOracleError.noKeyColumn("k")) {
      try oracle.load(Array("a,b\n".utf8), mode: .upsert)
    }
  }
}
