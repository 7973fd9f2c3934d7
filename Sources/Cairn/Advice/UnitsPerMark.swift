/// How many units (entities of a batch, rows of a chunk) to do between two marks. Pure: `size: .auto`,
/// `chunk_rows: auto` and `cairn advise` all ask it.
public enum UnitsPerMark {
  /// What a mark may cost of the time between two.
  public static let mostOverhead = 0.05

  /// What units and marks cost.
  public struct Costs: Sendable, Hashable {
    /// How long a unit takes, in seconds.
    public var secondsPerUnit: Double
    /// How long a mark takes, in seconds.
    public var secondsPerMark: Double
    /// Work between two failures, in seconds; nil when there were none.
    public var secondsBetweenFailures: Double?

    /// Describes costs.
    public init(
      secondsPerUnit: Double, secondsPerMark: Double, secondsBetweenFailures: Double? = nil
    ) {
      self.secondsPerUnit = secondsPerUnit
      self.secondsPerMark = secondsPerMark
      self.secondsBetweenFailures = secondsBetweenFailures
    }
  }

  /// The number: what Daly's interval comes to where failures are known, else `preferred`; kept within
  /// `bounds`; and then as many as it takes for marks to cost no more than ``mostOverhead``.
  ///
  /// - Parameters:
  ///   - preferred: What one would take without knowing any costs.
  ///   - bounds: The least and the most that is reasonable.
  ///   - costs: What was measured, or nil.
  public static func units(
    preferred: Int, within bounds: ClosedRange<Int>, costs: Costs? = nil
  ) -> Int {
    var wanted = preferred
    if let costs, costs.secondsPerUnit > 0, let between = costs.secondsBetweenFailures {
      let interval = CheckpointInterval.daly(cost: costs.secondsPerMark, betweenFailures: between)
      wanted = whole(interval / costs.secondsPerUnit)
    }
    var units = min(max(wanted, bounds.lowerBound), bounds.upperBound)
    if let costs, costs.secondsPerUnit > 0 {
      let cheap = costs.secondsPerMark / (mostOverhead * costs.secondsPerUnit)
      // What is a whole number but for the last bit is one.
      units = max(units, whole((cheap - 1e-6).rounded(.up)))
    }
    return units
  }

  /// How many entities a batch may have, by how long the whole run takes:
  ///
  /// | duration | entities |
  /// |---|---|
  /// | up to 5 minutes | 25–50 |
  /// | 5–10 minutes | 50–100 |
  /// | 10–30 minutes | 100–200 |
  /// | over 30 minutes | 200–500 |
  ///
  /// - Parameter duration: In seconds.
  public static func entityBounds(duration: Double) -> ClosedRange<Int> {
    switch duration {
    case ..<300: 25...50
    case ..<600: 50...100
    case ...1_800: 100...200
    default: 200...500
    }
  }

  /// How many entities a batch of a processor should have.
  ///
  /// - Parameters:
  ///   - history: The processor's.
  ///   - total: How many entities there are now.
  /// - Returns: ``BatchSize/standard`` without a history; at most `total`, at least 1.
  public static func entities(in history: History, total: Int) -> Int {
    let figures = HistoryFigures(history, now: history.attempts.map(\.startedAt).max() ?? 0)
    return min(entities(figures, total: total), max(total, 1))
  }

  static func entities(_ figures: HistoryFigures, total: Int) -> Int {
    guard let secondsPerUnit = figures.secondsPerUnit else { return BatchSize.standard }
    let bounds = entityBounds(duration: secondsPerUnit * Double(total))
    return units(
      // Without a failure nothing speaks for small batches.
      preferred: figures.failures == 0 ? bounds.upperBound : BatchSize.standard, within: bounds,
      costs: figures.secondsPerMark.map {
        Costs(
          secondsPerUnit: secondsPerUnit, secondsPerMark: $0,
          secondsBetweenFailures: figures.secondsBetweenFailures)
      })
  }

  /// The most units that are ever asked for, so that sums of them do not overflow.
  private static func whole(_ units: Double) -> Int { Int(min(max(units, 1), 1e12)) }
}
