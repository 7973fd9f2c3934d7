import Foundation
import Testing

@testable import Cairn

/// Lines of events, compared with Foundation's JSON.
@Suite struct EventLineTests {
  private static let samples = [
    "", "plain", "with \"quotes\" and \\", "line\nfeed\r\ttab", "\u{0}\u{1}\u{1F}\u{7F}",
    "é 日本 🏔", "\u{2028}\u{2029}", "\u{2027}\u{202A}", "a/b", "{\"a\":1}",
  ]

  private func object(_ line: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test("texts survive, on one line, as another reader sees it", arguments: samples)
  func texts(_ text: String) throws {
    let event = Event(
      "custom_event", pipelineID: "p" + text, stage: text, metadata: [text: .text(text)])
    let line = event.jsonLine(now: 0)
    #expect(
      line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{2028}" && $0 != "\u{2029}" })
    let found = try object(line)
    #expect(found["pipeline_id"] as? String == "p" + text)
    #expect(found["stage"] as? String == text)
    #expect((found["metadata"] as? [String: String]) == [text: text])
    // And back, from Foundation's own escapes too.
    #expect(Event(jsonLine: line)?.metadata == event.metadata)
    let data = try JSONSerialization.data(withJSONObject: found)
    let reread = try #require(Event(jsonLine: String(decoding: data, as: UTF8.self)))
    #expect(reread.stage == text && reread.pipelineID == "p" + text)
  }

  @Test("every kind of value is written as JSON has it")
  func values() throws {
    let event = Event(
      .stageComplete, pipelineID: "p",
      metadata: [
        "null": nil, "yes": true, "no": false, "least": EventValue(Int64.min), "third": 0.1,
        "huge": 1e300, "nan": .number(.nan), "infinity": .number(.infinity), "list": [1, "a", []],
        "object": ["inner": ["deep": 2]],
      ])
    let line = event.jsonLine(now: 0)
    let metadata = try #require(try object(line)["metadata"] as? [String: Any])
    #expect(metadata["null"] is NSNull && metadata["nan"] is NSNull)
    #expect(metadata["infinity"] is NSNull)
    #expect(metadata["yes"] as? Bool == true && metadata["no"] as? Bool == false)
    #expect((metadata["least"] as? NSNumber)?.int64Value == .min)
    #expect((metadata["third"] as? NSNumber)?.doubleValue == 0.1)
    #expect((metadata["huge"] as? NSNumber)?.doubleValue == 1e300)
    #expect((metadata["list"] as? [Any])?.count == 3)
    let reread = try #require(Event(jsonLine: line))
    #expect(reread.metadata["object"] == ["inner": ["deep": 2]])
    #expect(reread.metadata["least"]?.integer == .min)
  }

  @Test("the seeds' own line is read")
  func seed() throws {
    let event = try #require(
      Event(
        jsonLine: """
          { "timestamp": "2025-10-07T20:43:53.622629", "event_type": "stage_complete",
            "pipeline_id": "pipeline_20251007_204353", "stage": "data_extraction",
            "status": "success", "metadata": { "duration_seconds": 0.148, "rows": 250 } }
          """))
    #expect(event.type == .stageComplete)
    #expect(event.stage == "data_extraction" && event.status == .success)
    #expect(event.metadata["duration_seconds"]?.number == 0.148)
    #expect(event.metadata["rows"]?.integer == 250)
    #expect(
      event.jsonLine()
        == #"{"timestamp":"2025-10-07T20:43:53.622629Z","event_type":"stage_complete","#
        + #""pipeline_id":"pipeline_20251007_204353","stage":"data_extraction","#
        + #""status":"success","metadata":{"duration_seconds":0.148,"rows":250}}"#)
  }

  @Test(
    "what is torn or no event is none",
    arguments: [
      "", "{", "[]", "null", "{}", #"{"event_type":"a","pipeline_id":"p"}"#,
      #"{"timestamp":"yesterday","event_type":"a","pipeline_id":"p"}"#,
      #"{"timestamp":"2025-10-07T20:43:53Z","event_type":"a","pipeline_id":"p"} x"#,
      #"{"timestamp":"2025-10-07T20:43:53Z","event_type":"a","pipeline_id":"p","metadata":{"#,
      #"{"timestamp":"2025-10-07T20:43:53Z","event_type":"a","pipeline_id":"\ud800"}"#,
      #"{"timestamp":"9999-10-07T20:43:53Z","event_type":"a","pipeline_id":"p"}"#,
      String(repeating: "[", count: 100_000),
    ])
  func torn(_ line: String) { #expect(Event(jsonLine: line) == nil) }

  @Test("a line cut anywhere is no event")
  func cut() {
    let line = Event(.stageStart, pipelineID: "p", metadata: ["a": [1, "b", nil]]).jsonLine()
    for count in 0..<line.count { #expect(Event(jsonLine: String(line.prefix(count))) == nil) }
  }

  @Test(
    "times agree with Foundation's", arguments: [0, 1, 951_782_399, 1_759_869_833, 4_102_444_799])
  func times(_ seconds: Int64) throws {
    let text = EventTime.text(ofNanoseconds: seconds * 1_000_000_000 + 622_629_999)
    let date = Date(timeIntervalSince1970: Double(seconds))
    #expect(text == date.formatted(.iso8601).dropLast() + ".622629Z")
    #expect(EventTime.nanoseconds(of: text) == seconds * 1_000_000_000 + 622_629_000)
    #expect(EventTime.nanoseconds(of: text.dropLast()) == seconds * 1_000_000_000 + 622_629_000)
    let offset = text.dropLast() + "+01:30"
    #expect(EventTime.nanoseconds(of: offset) == (seconds - 5_400) * 1_000_000_000 + 622_629_000)
  }

  @Test("lines for people are one line, with quotes where a word has spaces")
  func people() {
    let event = Event(
      .stageError, pipelineID: "my pipeline", stage: "load", status: .error,
      metadata: ["error": "no\nway", "rows": 3], time: 0)
    #expect(
      event.textLine()
        == #"1970-01-01T00:00:00.000000Z ERROR "my pipeline" load stage_error (error) "#
        + #"error="no\nway" rows=3"#)
  }

  @Test("every known type is in the schema and in the document, and nothing else is")
  func known() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let schema = try String(
      contentsOf: root.appending(path: "docs/events.schema.json"), encoding: .utf8)
    let document = try String(contentsOf: root.appending(path: "docs/events.md"), encoding: .utf8)
    let types = schema.matches(of: /"event_type": \{"const": "([a-z_]+)"\}/).map { String($0.1) }
    #expect(types.sorted() == EventType.known.map(\.rawValue).sorted())
    for type in EventType.known { #expect(document.contains("| `\(type.rawValue)` |")) }
  }
}
