import Testing

@testable import Cairn

/// Delimiter, quoting and header found out from the first rows.
@Suite struct LayoutTests {
  static func layout(
    _ text: String, _ options: SourceOptions = SourceOptions()
  ) throws -> SourceLayout {
    let stream = PeekedStream(MemoryStream(Array(text.utf8)[...], piece: 7))
    return try LayoutResolution(stream, options: options, path: "t", compression: .none).layout()
  }

  @Test(arguments: [
    ("a~^b, c~^d\n1~^2,5~^3\n", "~^"),
    ("a,b,c\n1,2,3\n", ","),
    ("a\tb\n1,5\t2,5\n", "\t"),
    ("a|b\n1|2\n", "|"),
    ("a;b;c\n1,5;2,5;3,5\n1;2;3\n", ";"),
    ("a\u{01}b\n1\u{01}2\n", "\u{01}"),
    ("name, first;name, last;age\nx;y;1\n", ";"),
    ("a,b\n", ","),
    ("a,b", ","),
  ])
  func `the delimiter is found`(text: String, delimiter: String) throws {
    #expect(try Self.layout(text).text?.delimiter == Array(delimiter.utf8))
  }

  @Test func `quotes are respected while looking for the delimiter`() throws {
    let text = "a;b\n\"x,y,z\";\"1,2,3\"\n\"p,q,r\";\"4,5,6\"\n"
    #expect(try Self.layout(text, SourceOptions(quote: "\"")).text?.delimiter == [0x3B])
    let detected = try Self.layout(text, SourceOptions(detectsQuote: true))
    #expect(detected.text?.delimiter == [0x3B])
    #expect(detected.text?.quote == 0x22)
  }

  @Test func `quoting is detected by the first rows`() throws {
    func quote(_ text: String, _ delimiter: String) throws -> UInt8? {
      try Self.layout(text, SourceOptions(delimiter: delimiter, detectsQuote: true)).text?.quote
    }
    #expect(try quote("a,b\n\"x, y\",\"line\nbreak\"\n", ",") == 0x22)
    #expect(try quote("a,b\n1,2\n", ",") == 0x22)
    #expect(try quote("a~^b\n1~^2\n", "~^") == nil)
    #expect(try quote("a~^b\n\"5 inch~^2\n\"6 inch~^3\n", "~^") == nil)
    #expect(try quote("a~^b\n\"x~^y\"~^2\n", "~^") == 0x22)
    #expect(try quote("a,b\n5\" pipe,2\n", ",") == 0x22)
  }

  @Test func `mark, skipped lines and header are passed over`() throws {
    let layout = try Self.layout(
      "\u{FEFF}report\r\n\r\nKey,\"Na\r\nme\"\r\n1,2\r\n",
      SourceOptions(delimiter: ",", skipLines: 2, quote: "\""))
    #expect(layout.columns == ["key", "na_me"])
    #expect(layout.text?.dataLine == 5)
    #expect(
      layout.text?.dataOffset == UInt64("\u{FEFF}report\r\n\r\nKey,\"Na\r\nme\"\r\n".utf8.count))
  }

  @Test func `names can be kept as they are or given`() throws {
    let text = "Key Id,Größe\n1,2\n"
    #expect(try Self.layout(text, SourceOptions(header: .asIs)).columns == ["Key Id", "Größe"])
    let named = try Self.layout(
      "1,2\n3,4\n", SourceOptions(header: .none, names: ["x", "y"]))
    #expect(named.columns == ["x", "y"])
    #expect(named.text?.dataOffset == 0)
    #expect(named.text?.dataLine == 1)
  }

  @Test func `delimiters can be written by name`() throws {
    for (name, byte) in [
      ("\\t", 9 as UInt8), ("tab", 9), ("\\x01", 1), ("0x1F", 0x1F), ("|", 0x7C),
    ] {
      #expect(DelimiterName.bytes(name, .utf8) == [byte])
    }
    #expect(DelimiterName.bytes("§", .utf8) == [0xC2, 0xA7])
    #expect(DelimiterName.bytes("§", .latin1) == [0xA7])
    #expect(DelimiterName.bytes("€", .windows1252) == [0x80])
    #expect(DelimiterName.bytes("€", .latin1) == nil)
  }
}
