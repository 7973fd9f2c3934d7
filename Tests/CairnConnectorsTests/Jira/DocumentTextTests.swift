import Testing

@testable import CairnConnectors

@Suite struct DocumentTextTests {
  private func text(_ json: String) throws -> String? {
    DocumentText.plain(try JSONValue(parsing: Array(json.utf8)))
  }

  @Test func aTextStaysWhatItIs() throws {
    #expect(try text(#""h1. Title\n* a  ""#) == "h1. Title\n* a  ")
    #expect(try text("null") == nil)
    #expect(DocumentText.plain(.missing) == nil)
  }

  @Test func blocksAreLines() throws {
    #expect(
      try text(
        """
        {"type":"doc","version":1,"content":[
          {"type":"heading","attrs":{"level":1},"content":[{"type":"text","text":"Title"}]},
          {"type":"paragraph","content":[
            {"type":"text","text":"one "},
            {"type":"text","text":"bold","marks":[{"type":"strong"}]},
            {"type":"hardBreak"},{"type":"text","text":"two"}]},
          {"type":"bulletList","content":[
            {"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]},
            {"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}]},
          {"type":"codeBlock","content":[{"type":"text","text":"x = 1\\ny = 2"}]},
          {"type":"rule"},
          {"type":"table","content":[{"type":"tableRow","content":[
            {"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"c1"}]}]},
            {"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"c2"}]}]}]}]}
        ]}
        """) == "Title\none bold\ntwo\na\nb\nx = 1\ny = 2\nc1\nc2")
  }

  @Test func whatIsNoTextIsSaidInWords() throws {
    #expect(
      try text(
        """
        {"type":"doc","content":[{"type":"paragraph","content":[
          {"type":"mention","attrs":{"id":"1","text":"@Ann"}},{"type":"text","text":" "},
          {"type":"emoji","attrs":{"shortName":":smile:","text":"😄"}},{"type":"text","text":" "},
          {"type":"inlineCard","attrs":{"url":"https://example.com"}},{"type":"text","text":" "},
          {"type":"date","attrs":{"timestamp":"1740873600000"}},{"type":"text","text":" "},
          {"type":"status","attrs":{"text":"DONE","color":"green"}},
          {"type":"unheardOf","content":[{"type":"text","text":"!"}]}]}]}
        """) == "@Ann 😄 https://example.com 2025-03-02 DONE!")
  }

  /// Numbers that are no day of a calendar are left out.
  @Test(arguments: [
    ("-9223372036854775808", ""), ("9223372036854775807", ""), ("-62135596800001", ""),
    ("253402300800000", ""), ("-62135596800000", "0001-01-01"),
    ("253402300799999", "9999-12-31"), ("-1", "1969-12-31"),
  ])
  func aDateMayBeAnyNumber(_ timestamp: String, _ expected: String) throws {
    #expect(
      try text(
        #"{"type":"doc","content":[{"type":"date","attrs":{"timestamp":"\#(timestamp)"}}]}"#)
        == expected)
  }

  @Test func emptyParagraphsAtTheEndsAreNothing() throws {
    #expect(try text(#"{"type":"doc","content":[]}"#) == "")
    #expect(
      try text(
        """
        {"type":"doc","content":[{"type":"paragraph","content":[]},
          {"type":"paragraph","content":[{"type":"text","text":"x"}]},
          {"type":"paragraph","content":[]}]}
        """) == "x")
  }

  @Test func aDeepDocumentDoesNotOverflowTheStack() throws {
    let depth = 200
    let open = #"{"type":"blockquote","content":["#
    let json =
      String(repeating: open, count: depth) + #"{"type":"text","text":"x"}"#
      + String(repeating: "]}", count: depth)
    #expect(try text(json) == "")
  }

  @Test func onlyADocumentIsKeptAsOne() throws {
    let document = try JSONValue(parsing: Array(#"{"type":"doc","content":[]}"#.utf8))
    #expect(DocumentText.document(document) == #"{"type":"doc","content":[]}"#)
    #expect(DocumentText.document(.missing) == nil)
  }
}
