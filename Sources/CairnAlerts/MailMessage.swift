import Cairn

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An alert as a mail of plain text (RFC 5322), with CRLF line ends.
struct MailMessage {
  let text: String

  /// - Parameters:
  ///   - from: The sender's address.
  ///   - recipients: All addresses that get it.
  ///   - random: 64 random bits, for its identifier.
  init(_ alert: Alert, from: String, recipients: [String], random: UInt64) {
    let content = AlertText(alert: alert)
    let width = (content.facts.map(\.name.count).max() ?? 0) + 2
    var lines = [content.headline, ""]
    lines += content.facts.map { fact in
      let margin = "\n" + String(repeating: " ", count: width)
      let name = fact.name + String(repeating: " ", count: width - fact.name.count)
      return name + fact.value.replacing("\n", with: margin)
    }
    if let command = alert.nextCommand {
      lines += ["", "Next:", "  " + AlertText.printable(command)]
    }
    let body = lines.joined(separator: "\n") + "\n"
    let isPlain = Self.isPlain(body)
    let domain = from.split(separator: "@").last ?? "localhost"
    let headers = [
      "Date: " + MailDate.header(ofNanoseconds: alert.time),
      "From: <\(from)>",
      "To: " + recipients.map { "<\($0)>" }.joined(separator: ",\r\n "),
      "Subject: " + Self.header("[cairn] \(content.headline)"),
      "Message-ID: <\(alert.time).\(String(random, radix: 16))@\(domain)>",
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: " + (isPlain ? "7bit" : "base64"),
    ]
    text =
      headers.joined(separator: "\r\n") + "\r\n\r\n"
      + (isPlain ? body.replacing("\n", with: "\r\n") : Self.base64(body))
  }

  /// Whether every mail server passes a text on as it is.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x7F }
      && text.utf8.split(separator: 0x0A).allSatisfy { $0.count <= 900 }
  }

  private static func base64(_ text: String) -> String {
    var lines: [String] = []
    var rest = Array(text.replacing("\n", with: "\r\n").utf8)[...]
    while !rest.isEmpty {
      lines.append(Data(rest.prefix(57)).base64EncodedString())
      rest = rest.dropFirst(57)
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  /// A header's value: as it is when it is short and ASCII, else in encoded words (RFC 2047).
  static func header(_ text: String) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    if line.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }), line.utf8.count <= 200,
      !line.contains("=?")
    {
      return line
    }
    var words: [String] = []
    var word: [UInt8] = []
    // An encoded word has at most 75 characters, and no character of the text is split.
    for character in line.unicodeScalars {
      let bytes = Array(String(character).utf8)
      if word.count + bytes.count > 45 {
        words.append(encoded(word))
        word = []
      }
      word += bytes
    }
    words.append(encoded(word))
    return words.joined(separator: "\r\n ")
  }

  private static func encoded(_ bytes: [UInt8]) -> String {
    "=?utf-8?B?\(Data(bytes).base64EncodedString())?="
  }
}
