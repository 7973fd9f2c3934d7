/// How well the checkpoints of jobs serve: a pure function of their history.
public struct JobMetrics: Sendable, Hashable, Codable {
  /// How many checkpoints an hour of work has; nil without two of an attempt.
  public var checkpointFrequency: Double?
  /// Bytes of a checkpoint, on the mean; nil without any.
  public var averageCheckpointSize: Double?
  /// The share of recoveries that went well, 0 to 1; nil without any.
  public var recoverySuccessRate: Double?
  /// Seconds from the begin of a recovery to its first commit, on the mean; nil without any.
  public var timeToRecovery: Double?
  /// The share of checks after recoveries in which target and marks agreed, 0 to 1; nil without any.
  public var dataConsistencyRate: Double?
  /// How many checkpoints the figures are of.
  public var checkpoints = 0
  /// How many recoveries.
  public var recoveries = 0
  /// How many checks.
  public var checks = 0

  /// Makes figures of nothing.
  public init() {}

  /// Takes the figures from facts, of one job or of several.
  public static func of(_ facts: [JobFact]) -> JobMetrics {
    var metrics = JobMetrics()
    let saved = facts.filter { $0.kind == .checkpoint }
    metrics.checkpoints = saved.count
    metrics.averageCheckpointSize = mean(saved.compactMap { $0.amount.map(Double.init) })
    metrics.checkpointFrequency = frequency(of: saved)
    let recovered = facts.filter { $0.kind == .recovered }
    // One that came to a commit and did not hold the checks is one recovery, and failed.
    let failed = Set(facts.filter { $0.kind == .recoveryFailed }.map(Attempt.init))
    let all = failed.union(recovered.map(Attempt.init))
    metrics.recoveries = all.count
    metrics.recoverySuccessRate = share(all.count - failed.count, of: all.count)
    metrics.timeToRecovery = mean(recovered.compactMap(\.seconds))
    let consistent = facts.count { $0.kind == .consistent }
    metrics.checks = consistent + facts.count { $0.kind == .inconsistent }
    metrics.dataConsistencyRate = share(consistent, of: metrics.checks)
    return metrics
  }

  private struct Attempt: Hashable {
    var job: String
    var run: SyncID?
    var attempt: Int

    init(_ fact: JobFact) {
      job = fact.job
      run = fact.run
      attempt = fact.attempt
    }
  }

  /// Checkpoints an hour, between the first and the last of each attempt.
  private static func frequency(of saved: [JobFact]) -> Double? {
    var times: [Attempt: [Int64]] = [:]
    for fact in saved {
      guard let time = EventTime.nanoseconds(of: fact.at) else { continue }
      times[Attempt(fact), default: []].append(time)
    }
    var intervals = 0
    var seconds = 0.0
    for times in times.values {
      guard let first = times.min(), let last = times.max(), times.count > 1 else { continue }
      intervals += times.count - 1
      seconds += Double(last - first) / 1e9
    }
    return seconds > 0 ? Double(intervals) / seconds * 3600 : nil
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  private static func share(_ part: Int, of whole: Int) -> Double? {
    whole == 0 ? nil : Double(part) / Double(whole)
  }
}
