import Cairn

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An alert as the JSON that Slack's incoming webhooks take, and those of what speaks Slack:
/// `{"text": "…"}`.
struct SlackMessage: Sendable, Encodable {
  let text: String

  init(_ alert: Alert) {
    let content = AlertText(alert: alert)
    var lines = ["*\(Self.escaped(content.headline))*"]
    lines += content.facts.map { "\($0.name): \(Self.escaped($0.value))" }
    if let command = alert.nextCommand {
      lines.append("next: `\(Self.escaped(AlertText.printable(command)))`")
    }
    text = lines.joined(separator: "\n")
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// A text in which Slack finds no links, mentions or entities.
  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
