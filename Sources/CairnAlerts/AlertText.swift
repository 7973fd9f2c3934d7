import Cairn

/// An alert as people read it, line by line.
struct AlertText {
  let alert: Alert

  /// The longest problem that is told, in characters.
  private static let longestProblem = 2000

  /// `FAILED`, `PARTIAL_SUCCESS` or `SUCCESS`.
  var standing: String {
    switch alert.occasion {
    case .success: "SUCCESS"
    case .partialSuccess: "PARTIAL_SUCCESS"
    case .failed: "FAILED"
    }
  }

  /// `FAILED: transport_documents on host01`.
  var headline: String { "\(standing): \(Self.printable(alert.job)) on \(alert.host)" }

  /// Names and values, in the order of their weight.
  var facts: [(name: String, value: String)] {
    var facts: [(name: String, value: String)] = []
    if let problem = alert.problem {
      let words = String(problem.summary.prefix(Self.longestProblem))
      let cut = words.count < problem.summary.count ? " …" : ""
      facts.append(("error", "\(Self.printable(words))\(cut) (\(problem.errorClass.rawValue))"))
    }
    if !alert.source.isEmpty { facts.append(("source", Self.printable(alert.source))) }
    let target = [alert.table, alert.sink].filter { !$0.isEmpty }.joined(separator: " in ")
    if !target.isEmpty { facts.append(("target", Self.printable(target))) }
    if let run = alert.syncID?.description ?? alert.pipelineID.map(Self.printable) {
      facts.append(("run", run + (alert.attempt.map { ", attempt \($0)" } ?? "")))
    }
    for detail in alert.details {
      facts.append((Self.printable(detail.name), Self.printable(detail.value)))
    }
    if let counts = alert.counts { facts.append(("rows", Self.text(of: counts))) }
    if let committed = alert.committedChunks {
      let total = alert.totalChunks.map { " of \($0)" } ?? ""
      facts.append(("chunks", "\(committed)\(total) committed\(failedChunks)"))
    }
    facts.append(("time", MailDate.timestamp(ofNanoseconds: alert.time)))
    return facts
  }

  private var failedChunks: String {
    guard !alert.failedChunks.isEmpty else { return "" }
    let shown = alert.failedChunks.prefix(20).map(String.init).joined(separator: ", ")
    return "; failed: \(shown)" + (alert.failedChunks.count > 20 ? ", …" : "")
  }

  /// `90,000 = 86,872 inserted + … + 459 rejected (0.5 %)`.
  private static func text(of counts: RowCounts) -> String {
    let parts = [
      (counts.inserted, "inserted"), (counts.updated, "updated"), (counts.unchanged, "unchanged"),
      (counts.superseded, "superseded"), (counts.kept, "kept"), (counts.rejected, "rejected"),
    ].filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
    let sum = parts.isEmpty ? "" : " = " + parts.joined(separator: " + ")
    guard counts.rejected > 0, counts.rows > 0 else { return grouped(counts.rows) + sum }
    // In hundredths of a percent, so that a single reject among many does not read as none.
    let rate = max(1, counts.rejected * 10_000 / counts.rows)
    let hundredths = rate % 100 < 10 ? "0\(rate % 100)" : "\(rate % 100)"
    return grouped(counts.rows) + sum + " (\(rate / 100).\(hundredths) %)"
  }

  /// `1,234,567`.
  private static func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number).reversed().enumerated() {
      if index > 0, index % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }

  /// A text without control characters other than line ends, which a name may hold.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          let isControl = scalar.properties.generalCategory == .control && scalar != "\n"
          return isControl ? "\u{FFFD}" : scalar
        }))
  }
}
