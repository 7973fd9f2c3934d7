import Foundation
import Testing

@testable import CairnConnectors

@Suite struct JSONTests {
  private func value(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  /// What Foundation makes of a text, in a form that two readers can be compared by.
  private func reference(_ any: Any) -> String {
    switch any {
    case is NSNull: return "null"
    case let text as String: return "s" + text
    case let list as [Any]: return "[" + list.map(reference).joined(separator: ",") + "]"
    case let object as [String: Any]:
      let members = object.sorted { $0.key < $1.key }.map { "\($0.key)=\(reference($0.value))" }
      return "{" + members.joined(separator: ",") + "}"
    case let number as NSNumber:
      // Foundation tells booleans from numbers by their type only.
      if String(cString: number.objCType) == "c" { return number.boolValue ? "true" : "false" }
      return "n\(number.doubleValue)"
    default: return "?"
    }
  }

  private func ours(_ value: JSONValue) -> String {
    if value.isArray { return "[" + value.elements.map(ours).joined(separator: ",") + "]" }
    if value.isObject {
      let members = value.members.sorted { $0.name < $1.name }
        .map { "\($0.name)=\(ours($0.value))" }
      return "{" + members.joined(separator: ",") + "}"
    }
    if let flag = value.boolean { return flag ? "true" : "false" }
    if let number = value.double { return "n\(number)" }
    if let text = value.string { return "s" + text }
    return "null"
  }

  @Test(arguments: [
    #"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#, "[]", "{}", " [ 1 , -2.5e3 , 0 ] ",
    #"["\u00e4\n\t\"\\\/\b\f\r", "😀", "\ud83d\ude00", "käse"]"#, #"{"":{"":[[],[{}]]}}"#,
    #"[1e-7,12345678901234567890,0.1]"#, #""text""#, "true", "null",
  ]) func readsAsFoundationDoes(text: String) throws {
    let any = try JSONSerialization.jsonObject(
      with: Data(text.utf8), options: [.fragmentsAllowed])
    #expect(ours(try value(text)) == reference(any))
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]", "01", "1.",
    ".5", "1e", "+1", "tru", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\u{1}\"", "[1]]", "<html>",
    "nul", "{\"a\":1", "[\"a\",", "--1", "{\"a\" 1}", "]", "'a'",
  ]) func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONError.self) { try value(text) }
  }

  /// Every text that is cut off is refused, and never crashes.
  @Test func refusesWhatIsCutOff() throws {
    let text = #"{"a":[1,-2.5e+3,true,false,null,"x\u00e4\ud83d\ude00\n"],"b":{"c":"käse"}}"#
    _ = try value(text)
    let bytes = Array(text.utf8)
    for end in 0..<bytes.count {
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(bytes[..<end])) }
    }
  }

  @Test func nestsOnlySoDeep() throws {
    _ = try value(String(repeating: "[", count: 512) + String(repeating: "]", count: 512))
    #expect(throws: JSONError.self) {
      try value(String(repeating: "[", count: 513) + String(repeating: "]", count: 513))
    }
  }

  @Test func readsWholeNumbers() throws {
    let all = try value(
      #"[0,-1,9223372036854775807,9223372036854775808,-9223372036854775807,1.0,"3000000000","x",""]"#
    )
    #expect(
      all.elements.map(\.integer) == [0, -1, .max, nil, -.max, nil, 3_000_000_000, nil, nil])
  }

  @Test func whatIsMissingIsNull() throws {
    let all = try value(#"{"a":{"b":null},"kä":1}"#)
    #expect(all["x"]["y"]["z"].string == nil)
    #expect(all["x"].isMissing)
    #expect(all["a"]["b"].isNull && !all["a"]["b"].isMissing)
    #expect(all["kä"].integer == 1)
    #expect(all["a"].elements.isEmpty)
  }

  /// Databases take neither U+0000 nor half a surrogate pair as text, whatever way they are written.
  @Test func leavesOutWhatDatabasesDoNotTake() throws {
    let all = try value(#"{"t":"a\u0000b\ud800c\ud83d\ude00\\u0000"}"#)
    #expect(all["t"].string == "a\u{FFFD}b\u{FFFD}c😀\\u0000")
    #expect(all.text == #"{"t":"a\ufffdb\ufffdc\ud83d\ude00\\u0000"}"#)
    #expect(try value(#"{"b":[1, 2]}"#)["b"].text == "[1, 2]")
    #expect(try value(#"["x"]"#).elements.first?.text == "\"x\"")
  }

  @Test func writesStrings() throws {
    let text = "a\"\\\n\r\t\u{0}\u{1F}ä😀/"
    #expect(
      try JSONSerialization.jsonObject(
        with: Data(JSONText.quoted(text).utf8), options: [.fragmentsAllowed]) as? String == text)
  }

  @Test func readsInstants() throws {
    func instant(_ text: String) throws -> Int64? {
      JSONInstant.microseconds(try value("\"\(text)\""))
    }
    #expect(try instant("1970-01-02T00:00:01Z") == 86_401_000_000)
    #expect(try instant("1970-01-01T01:00:00.5+01:00") == 500_000)
    #expect(try instant("2025-02-30T00:00:00Z") == nil)
    #expect(try instant("2025-02-28T25:00:00Z") == nil)
    #expect(try instant("yesterday") == nil)
  }
}
