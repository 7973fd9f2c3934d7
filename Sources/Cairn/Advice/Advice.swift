/// Whether and how often a processor or job should make checkpoints, and the figures behind it. Pure:
/// the same history gives the same advice.
public struct Advice: Sendable, Hashable, Codable {
  /// What is advised about.
  public var subject: Subject
  /// What its history comes to.
  public var figures: HistoryFigures
  /// The leaf of the decision tree.
  public var verdict: CheckpointVerdict
  /// Whether to make checkpoints; nil when there is too little history to tell.
  public var worthwhile: Bool?
  /// What should hold before one relies on them.
  public var prerequisites: [Prerequisite]
  /// How long a mark takes, in seconds: measured, or assumed.
  public var secondsPerMark: Double
  /// Whether that was measured.
  public var isCostMeasured: Bool
  /// The share of runs that must fail for checkpoints to be worth what they cost; nil when none would
  /// do, since a retry saves nothing.
  public var breakEvenRate: Double?
  /// What they save a week; nil with too little history.
  public var savings: WeeklySavings?
  /// Units between two marks.
  public var units: Int
  /// The share of time that marks take with so many.
  public var overhead: Double?
  /// Seconds of work between two marks by Young's formula; nil without a failure.
  public var young: Double?
  /// The same by Daly's.
  public var daly: Double?

  /// What advice is about.
  public enum Subject: Sendable, Hashable, Codable {
    /// A processor of entities: its name.
    case processor(String)
    /// A job that loads files: its name.
    case job(String)

    /// Its name.
    public var name: String {
      switch self {
      case .processor(let name), .job(let name): name
      }
    }

    /// `entities` or `rows`.
    public var unit: String { if case .processor = self { "entities" } else { "rows" } }
  }

  /// Where nobody measured it, a mark is taken to cost this share of the time between two: what a load
  /// with chunk files may take longer than one without.
  public static let assumedOverhead = 0.03
  /// Seconds that a mark is taken to cost where there was none yet: what a checkpoint costs with a
  /// warehouse at the other end of a network.
  public static let assumedSecondsPerMark = 0.1

  /// Makes up advice.
  ///
  /// - Parameters:
  ///   - subject: What it is about.
  ///   - history: Its history.
  ///   - appends: Whether its rows are appended rather than merged by a key; nil when that is not
  ///     known.
  ///   - now: Seconds since 1970-01-01 UTC.
  public init(_ subject: Subject, history: History, appends: Bool? = nil, now: Double) {
    let figures = HistoryFigures(history, now: now)
    self.subject = subject
    self.figures = figures
    verdict = CheckpointVerdict(figures)
    isCostMeasured = figures.secondsPerMark != nil
    secondsPerMark =
      figures.secondsPerMark
      ?? figures.unitsPerMark.flatMap { units in
        figures.secondsPerUnit.map { $0 * units * Self.assumedOverhead }
      } ?? Self.assumedSecondsPerMark
    let between = figures.secondsBetweenFailures
    let cost = secondsPerMark
    young = between.map { CheckpointInterval.young(cost: cost, betweenFailures: $0) }
    daly = between.map { CheckpointInterval.daly(cost: cost, betweenFailures: $0) }
    units = Self.units(subject, figures, secondsPerMark: cost)
    var overheadPerRun = 0.0
    var lostSinceMark = 0.0
    if let secondsPerUnit = figures.secondsPerUnit, let total = figures.units {
      let marks = (Double(total) / Double(units)).rounded(.up)
      overheadPerRun = marks * cost
      // On average half of what lies between two marks.
      lostSinceMark = min(secondsPerUnit * Double(units) / 2, figures.lostPerFailure)
      overhead = cost / (cost + secondsPerUnit * Double(units))
    }
    var breakEven = BreakEven.usual
    if figures.failures > 0, overheadPerRun > 0 {
      breakEven = BreakEven.rate(
        overheadPerRun: overheadPerRun, savedPerRetry: figures.lostPerFailure - lostSinceMark)
    }
    breakEvenRate = breakEven.isFinite ? breakEven : nil
    switch verdict {
    case .tooLittleHistory: worthwhile = nil
    case .failuresAreRare, .onlyTotalFailures, .tooShort: worthwhile = false
    case .considerIfFrequent:
      worthwhile = figures.failuresPerRun > max(breakEven, BreakEven.usual)
    case .checkpoint: worthwhile = true
    }
    if verdict != .tooLittleHistory {
      savings = WeeklySavings(
        runs: figures.runsPerWeek, failuresPerRun: figures.failuresPerRun,
        lostPerFailure: figures.lostPerFailure, overheadPerRun: overheadPerRun,
        lostSinceMark: lostSinceMark)
    }
    prerequisites = Self.prerequisites(figures, savings, appends: appends)
  }

  private static func units(
    _ subject: Subject, _ figures: HistoryFigures, secondsPerMark: Double
  ) -> Int {
    let total = figures.units ?? 0
    switch subject {
    case .processor:
      var figures = figures
      figures.secondsPerMark = secondsPerMark
      let units = UnitsPerMark.entities(figures, total: total)
      return total > 0 ? min(units, total) : units
    case .job:
      return UnitsPerMark.units(
        preferred: Int(figures.unitsPerMark ?? 10_000), within: ChunkLimits.rowBounds,
        costs: figures.secondsPerUnit.map {
          UnitsPerMark.Costs(
            secondsPerUnit: $0, secondsPerMark: secondsPerMark,
            secondsBetweenFailures: figures.secondsBetweenFailures)
        })
    }
  }

  private static func prerequisites(
    _ figures: HistoryFigures, _ savings: WeeklySavings?, appends: Bool?
  ) -> [Prerequisite] {
    let percent = AdviceNumber.percent
    let time = AdviceNumber.time
    let duration = figures.duration
    let isFrequent = figures.failuresPerRun > BreakEven.usual
    return [
      Prerequisite(
        "enough history to tell", isMet: figures.attempts >= CheckpointVerdict.leastAttempts,
        finding: "\(figures.attempts) attempts of \(CheckpointVerdict.leastAttempts)"),
      Prerequisite(
        "at least 5 % of attempts fail",
        isMet: figures.failureRate >= CheckpointVerdict.leastFailureRate,
        finding: "\(figures.failures) of \(figures.attempts), \(percent(figures.failureRate))"),
      Prerequisite(
        "failures come in mid-run", isMet: figures.midRunFailures > 0,
        finding: "\(figures.midRunFailures) of \(figures.failures)"),
      Prerequisite(
        "a run takes more than 5 minutes, or more than 2 and fails often",
        isMet: duration.map {
          $0 > CheckpointVerdict.longRun || ($0 >= CheckpointVerdict.shortRun && isFrequent)
        }, finding: duration.map(time) ?? "unknown"),
      Prerequisite(
        "work goes unit by unit", isMet: figures.units.map { $0 > 1 },
        finding: figures.units.map { "\($0) units a run" } ?? "unknown"),
      Prerequisite(
        "more than an hour a week is saved", isMet: savings.map { $0.saved > 3_600 },
        finding: savings.map { time($0.saved) } ?? "unknown"),
      Prerequisite(
        "a retry alone would waste more than 2 minutes",
        isMet: figures.failures > 0 ? figures.lostPerFailure > CheckpointVerdict.shortRun : nil,
        finding: "\(time(figures.lostPerFailure)) lost by a failure"),
      Prerequisite(
        "doing a unit again does no harm", isMet: true,
        finding: appends == true
          ? "rows are appended, and each batch's marks are committed with them"
          : "rows and marks are committed together"),
    ]
  }
}

/// Numbers in the words of advice.
enum AdviceNumber {
  /// `12.5 %`.
  static func percent(_ share: Double) -> String {
    let tenths = (share * 1_000).rounded()
    return "\(tenths / 10) %"
  }

  /// `87.5 min`.
  static func time(_ seconds: Double) -> String {
    let size = abs(seconds)
    if size < 1 { return "\((seconds * 10_000).rounded() / 10) ms" }
    if size < 120 { return "\((seconds * 10).rounded() / 10) s" }
    if size < 7_200 { return "\((seconds / 6).rounded() / 10) min" }
    return "\((seconds / 360).rounded() / 10) h"
  }
}
