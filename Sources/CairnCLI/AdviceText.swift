import Cairn

/// Advice as people read it.
enum AdviceText {
  static func table(_ advice: [Advice]) -> String {
    let head = ["SUBJECT", "KIND", "ATTEMPTS", "FAILED", "RUN TAKES", "PER MARK", "ADVICE"]
    return TextTable.aligned(
      [head]
        + advice.map {
          [
            $0.subject.name, $0.subject.unit == "rows" ? "job" : "processor",
            Readable.count($0.figures.attempts), Readable.percent($0.figures.failureRate),
            $0.figures.duration.map(Readable.seconds) ?? "?", Readable.count($0.units),
            sentence($0),
          ]
        })
  }

  static func details(_ advice: Advice) -> String {
    let figures = advice.figures
    let unit = advice.subject.unit
    var lines = [
      Terminal.bold(advice.subject.name) + ": " + sentence(advice), "",
      "  attempts        \(figures.attempts) in \(figures.runs) runs"
        + (figures.stops > 0 ? ", and \(figures.stops) that were stopped" : ""),
      "  failed          \(figures.failures), \(Readable.percent(figures.failureRate));"
        + " \(figures.midRunFailures) of them in mid-run"
        // Of a load only the last attempt's end is kept.
        + (unit == "rows" ? "; stops before a resume are counted in" : ""),
    ]
    if let duration = figures.duration {
      lines.append("  a run takes     \(Readable.seconds(duration)) undisturbed")
    }
    if figures.failures > 0 {
      lines.append(
        "  a failure       throws away \(Readable.seconds(figures.lostPerFailure)) without"
          + " checkpoints")
    }
    if let between = figures.secondsBetweenFailures {
      lines.append("  failures come   every \(Readable.seconds(between)) of work")
    }
    lines.append(
      "  a mark costs    \(milliseconds(advice.secondsPerMark))"
        + (advice.isCostMeasured ? "" : " (assumed: it was not measured)"))
    lines.append(
      "  mark every      \(Readable.count(advice.units)) \(unit)"
        + (advice.overhead.map { ", which costs \(Readable.percent($0)) of the time" } ?? ""))
    if let young = advice.young, let daly = advice.daly {
      lines.append(
        "  best interval   \(Readable.seconds(young)) by Young, \(Readable.seconds(daly)) by Daly")
    }
    let again = Readable.percent(figures.failuresPerRun)
    lines.append(
      "  break-even      "
        + (advice.breakEvenRate.map {
          "\(Readable.percent($0)) of runs must be tried again; here \(again)"
        } ?? "never: a retry saves nothing"))
    if let savings = advice.savings {
      lines.append(
        "  a week          \(Readable.fixed(figures.runsPerWeek, 1)) runs waste"
          + " \(time(savings.wastedWithout)) without checkpoints, \(time(savings.wastedWith)) with:"
          + " \(time(savings.saved)) saved")
    }
    lines.append("")
    for item in advice.prerequisites {
      let mark = item.isMet.map { $0 ? "✓" : "✗" } ?? "?"
      lines.append("  \(mark) \(item.name): \(item.finding)")
    }
    return lines.joined(separator: "\n")
  }

  static func sentence(_ advice: Advice) -> String {
    switch advice.verdict {
    case .tooLittleHistory:
      "too little history to tell: \(advice.figures.attempts) attempts of"
        + " \(CheckpointVerdict.leastAttempts)"
    case .failuresAreRare: "no checkpoints needed: failures are rare; just retry"
    case .onlyTotalFailures: "no checkpoints needed: it fails at the start or end; just retry"
    case .tooShort: "no checkpoints needed: a run is short; just retry"
    case .considerIfFrequent:
      advice.worthwhile == true
        ? "checkpoints are worth it: failures are frequent enough"
        : "checkpoints are hardly worth it: failures are not frequent enough"
    case .checkpoint: "make checkpoints"
    }
  }

  private static func milliseconds(_ seconds: Double) -> String {
    seconds < 1 ? Readable.fixed(seconds * 1_000, 1) + " ms" : Readable.seconds(seconds)
  }

  private static func time(_ seconds: Double) -> String {
    seconds < 0 ? "-" + Readable.seconds(-seconds) : Readable.seconds(seconds)
  }
}
