internal import Cairn

/// The plain text of a description, a comment: Cloud sends them as an Atlassian document (ADF), Data
/// Center as a text.
enum DocumentText {
  /// How deep a document is followed.
  private static let maximumDepth = 64

  /// The text; nil where there is none.
  static func plain(_ value: JSONValue) -> String? {
    if let text = value.string { return text }
    guard value.isObject else { return nil }
    var lines = Lines()
    append(value, to: &lines, depth: 0)
    return lines.text
  }

  /// The document, if it is one.
  static func document(_ value: JSONValue) -> String? { value.isObject ? value.text : nil }

  /// Blocks end their line; what follows within a block goes on in it.
  private struct Lines {
    private(set) var text = ""
    private var isAtBegin = true
    /// Line ends that are written once something follows.
    private var pending = 0

    mutating func add(_ words: String) {
      guard !words.isEmpty else { return }
      text += String(repeating: "\n", count: pending) + words
      pending = 0
      isAtBegin = false
    }

    mutating func breakLine() { pending += 1 }

    mutating func endBlock() { if !isAtBegin { pending = max(pending, 1) } }
  }

  private static func append(_ node: JSONValue, to lines: inout Lines, depth: Int) {
    guard depth < maximumDepth else { return }
    let attributes = node["attrs"]
    switch node["type"].string {
    case "text": lines.add(node["text"].string ?? "")
    case "hardBreak": lines.breakLine()
    case "mention", "status", "placeholder": lines.add(attributes["text"].string ?? "")
    case "emoji": lines.add(attributes["text"].string ?? attributes["shortName"].string ?? "")
    case "inlineCard", "blockCard", "embedCard":
      lines.add(attributes["url"].string ?? "")
      if node["type"].string != "inlineCard" { lines.endBlock() }
    case "date":
      // Milliseconds of midnight UTC.
      if let day = attributes["timestamp"].integer.flatMap(Self.day) { lines.add(day) }
    case "tableCell", "tableHeader":
      children(of: node, to: &lines, depth: depth)
      lines.endBlock()
    case "paragraph", "heading", "codeBlock", "listItem", "blockquote", "panel", "tableRow",
      "taskItem", "decisionItem", "caption", "expand", "nestedExpand", "mediaSingle", "rule":
      if let title = attributes["title"].string {
        lines.add(title)
        lines.endBlock()
      }
      children(of: node, to: &lines, depth: depth)
      lines.endBlock()
    default: children(of: node, to: &lines, depth: depth)
    }
  }

  private static func children(of node: JSONValue, to lines: inout Lines, depth: Int) {
    for child in node["content"].elements { append(child, to: &lines, depth: depth + 1) }
  }

  /// The day of an instant in milliseconds; nil outside the years 1 to 9999.
  private static func day(_ milliseconds: Int64) -> String? {
    guard (-62_135_596_800_000..<253_402_300_800_000).contains(milliseconds) else { return nil }
    let day = 86_400_000 as Int64
    let days = (milliseconds - (milliseconds % day + day) % day) / day
    return LocalDate(days: Int32(clamping: days)).description
  }
}
