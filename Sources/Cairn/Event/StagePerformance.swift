/// How long a stage took, over all its `performance_metric` events.
public struct StagePerformance: Sendable, Hashable, Codable {
  /// The stage.
  public var stage: String
  /// How many events there are.
  public var count: Int
  /// Seconds in all.
  public var totalSeconds: Double
  /// Seconds on average.
  public var meanSeconds: Double
  /// The least.
  public var minimumSeconds: Double
  /// Half took no longer.
  public var medianSeconds: Double
  /// 95 of 100 took no longer.
  public var percentile95Seconds: Double
  /// The most.
  public var maximumSeconds: Double

  /// Sums up the seconds of a stage; nil when there are none.
  public init?(stage: String, seconds: [Double]) {
    let sorted = seconds.filter(\.isFinite).sorted()
    guard let least = sorted.first, let most = sorted.last else { return nil }
    // The nearest rank: a time that was measured.
    func rank(_ share: Double) -> Double {
      sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)]
    }
    self.stage = stage
    count = sorted.count
    totalSeconds = sorted.reduce(0, +)
    meanSeconds = totalSeconds / Double(count)
    minimumSeconds = least
    medianSeconds = rank(0.5)
    percentile95Seconds = rank(0.95)
    maximumSeconds = most
  }
}

extension EventHistory {
  /// How long each stage took, the longest in all first.
  ///
  /// - Throws: ``FileError``.
  public func performance(_ filter: EventFilter = EventFilter()) throws -> [StagePerformance] {
    var filter = filter
    filter.type = .performanceMetric
    var seconds: [String: [Double]] = [:]
    try forEach(filter) { event in
      guard let stage = event.stage, let duration = event.metadata["duration_seconds"]?.number
      else { return }
      seconds[stage, default: []].append(duration)
    }
    return seconds.compactMap { StagePerformance(stage: $0.key, seconds: $0.value) }
      .sorted { ($1.totalSeconds, $0.stage) < ($0.totalSeconds, $1.stage) }
  }
}
