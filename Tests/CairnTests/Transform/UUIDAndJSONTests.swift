import Testing

@testable import Cairn

@Suite("UUIDs, booleans and JSON texts are told from what only looks like them")
struct UUIDAndJSONTests {
  @Test(
    "UUIDs in their four forms",
    arguments: [
      ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", true),
      ("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", true),
      ("f81d4fae7dec11d0a76500a0c91e6bf6", true), ("{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", true),
      ("{f81d4fae7dec11d0a76500a0c91e6bf6}", true), ("f81d4fae-7dec-11d0-a765-00a0c91e6bf", false),
      ("f81d4fae-7dec11d0-a765-00a0c91e6bf6-", false),
      ("g81d4fae-7dec-11d0-a765-00a0c91e6bf6", false),
      ("{f81d4fae-7dec-11d0-a765-00a0c91e6bf6", false), ("", false), ("{}", false),
      ("f81d4fae-7dec-11d0-a765-00a0c91e6b:6", false),
    ])
  func uuids(text: String, isUUID: Bool) {
    let (value, defect) = text.parsed(UInt128(0)) { UUIDParser.parse($0, into: &$1) }
    #expect((defect == .none) == isUUID)
    if isUUID {
      #expect(value == 0xf81d_4fae_7dec_11d0_a765_00a0_c91e_6bf6)
      #expect(UUIDText.describe(value) == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    }
  }

  @Test("A small UUID keeps its leading zeros")
  func smallUUID() {
    #expect(UUIDText.describe(1) == "00000000-0000-0000-0000-000000000001")
  }

  @Test("Words for true and false, in either case")
  func booleans() {
    let usual = BooleanParser(trueWords: [], falseWords: [])
    let own = BooleanParser(trueWords: ["N"], falseWords: [])
    func read(_ text: String, _ parser: BooleanParser) -> Bool? {
      let (value, defect) = text.parsed(false) { parser.parse($0, into: &$1) }
      return defect == .none ? value : nil
    }
    for word in ["true", "T", "YES", "y", "1", "True"] { #expect(read(word, usual) == true) }
    for word in ["false", "F", "No", "n", "0"] { #expect(read(word, usual) == false) }
    for word in ["", "on", "2", "truee", "ye"] { #expect(read(word, usual) == nil) }
    // A job's word is its own, also where it would mean the contrary otherwise.
    #expect(read("n", own) == true)
    #expect(read("no", own) == false)
    #expect(read("yes", own) == nil)
  }

  @Test("JSON as Python's json reads it", .enabled(if: ValueOracle.isAvailable))
  func json() async throws {
    var numbers = SeededNumbers()
    let seeds = [
      #"{"a":[1,2.5e-3,-0,true,false,null,"x\u00e9\n"],"b":{}}"#, "[]", "[[],{}]", "0", "-1.5E+10",
      #""""#, #" { "k" : [ ] } "#, "[1,2,]", "{\"a\":1,}", "01", "1.", ".5", "+1", "nul", "\"\t\"",
      #""\x""#, #""\u12g4""#, "NaN", "[1 2]", "{\"a\" 1}", "{1:2}", "", " ", "true false", "-",
      "1e",
      "[1,[2,[3,[4]]]]", #"{"a":{"b":{"c":[{},{"d":1}]}}}"#, "]", "{]", "[}", #"{"a":1"b":2}"#,
    ]
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "1", "0", ".", "e", "-", " ", "a", "null",
    ]
    var texts = seeds
    for _ in 0..<6000 {
      var text = Array(seeds[Int.random(in: 0..<seeds.count, using: &numbers)])
      for _ in 0..<Int.random(in: 1...2, using: &numbers) {
        let place = Int.random(in: 0...text.count, using: &numbers)
        let piece = Array(pieces[Int.random(in: 0..<pieces.count, using: &numbers)])
        if Bool.random(using: &numbers), place < text.count {
          text.replaceSubrange(place...place, with: piece)
        } else {
          text.insert(contentsOf: piece, at: place)
        }
      }
      texts.append(String(text))
    }
    let answers = try await ValueOracle.run(
      """
      def refuse(x): raise ValueError
      def valid(t):
          try: json.loads(t, parse_constant=refuse)
          except ValueError: return False
          return True
      print(json.dumps([valid(t) for t in data]))
      """, input: texts, as: [Bool].self)
    #expect(answers.contains(true) && answers.contains(false))
    let wrong = zip(texts, answers).filter { text, expected in
      Array(text.utf8).withUnsafeBytes { JSONScanner.isValid($0) } != expected
    }
    #expect(wrong.map(\.0) == [])
  }

  @Test("JSON nests 512 deep and no deeper")
  func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(nested(512).withUnsafeBytes { JSONScanner.isValid($0) })
    #expect(!nested(513).withUnsafeBytes { JSONScanner.isValid($0) })
    #expect(!nested(1_000_000).withUnsafeBytes { JSONScanner.isValid($0) })
  }
}
