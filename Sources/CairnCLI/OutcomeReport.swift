import Cairn

/// Prints how a load or resume ended.
struct OutcomeReport {
  var json: Bool
  /// Whether where the time went is printed too.
  var profiles: Bool
  /// The sink's URL; its secrets are not printed.
  var sink: String

  /// - Returns: The exit code.
  func report(_ outcome: LoadOutcome) throws -> Int32 {
    if json {
      try JSONOutput.print(outcome.receipt)
    } else {
      Terminal.print(ReceiptText.of(outcome.receipt))
    }
    if profiles { Terminal.note(ProfileText.of(outcome.receipt, .now())) }
    let id = outcome.receipt.syncID
    let resume = "cairn resume \(id) --into \(shellQuoted(URLSecrets.redacted(sink)))"
    switch outcome {
    case .done:
      return 0
    case .partial(let receipt):
      if receipt.failedChunks.isEmpty, receipt.failedViews.isEmpty {
        Terminal.note("Next: cairn rejects \(id) --into \(shellQuoted(URLSecrets.redacted(sink)))")
      } else {
        Terminal.note("Next: \(resume)")
      }
      return ExitStatus.partial
    case .stopped(_, let reason):
      Terminal.note("stopped: \(reason). Nothing is lost; go on with:\n  \(resume)")
      return ExitStatus.stopped
    }
  }
}
