public import Metrics

/// Whether the checkpoints of jobs are well: four measures against thresholds. A pure function of their
/// history and of what they store.
public struct JobHealth: Sendable, Hashable, Codable {
  /// The measures.
  public var measures: [Measure]

  /// A measure.
  public struct Measure: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// What was found.
    public var value: Int
    /// The most that is well.
    public var threshold: Int
    /// Of what both are numbers.
    public var unit: Unit
    /// What it is of, in words, latest first: the first few.
    public var details: [String]

    /// Whether it is well.
    public var isWell: Bool { value <= threshold }

    /// Of what a measure is a number.
    public enum Unit: String, Sendable, Hashable, Codable {
      /// Things that happened.
      case count
      /// Bytes.
      case bytes
    }

    private enum CodingKeys: String, CodingKey {
      case name, value, threshold, unit, isWell, details
    }

    /// Makes a measure.
    public init(
      name: String, value: Int, threshold: Int, unit: Unit = .count, details: [String]
    ) {
      self.name = name
      self.value = value
      self.threshold = threshold
      self.unit = unit
      self.details = details
    }

    /// Reads a measure.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      value = try container.decode(Int.self, forKey: .value)
      threshold = try container.decode(Int.self, forKey: .threshold)
      unit = try container.decodeIfPresent(Unit.self, forKey: .unit) ?? .count
      details = try container.decode([String].self, forKey: .details)
    }

    /// Writes a measure, with whether it is well.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(value, forKey: .value)
      try container.encode(threshold, forKey: .threshold)
      try container.encode(unit, forKey: .unit)
      try container.encode(isWell, forKey: .isWell)
      try container.encode(details, forKey: .details)
    }
  }

  /// The most of each measure that is well.
  public struct Thresholds: Sendable, Hashable {
    /// Bytes of stored checkpoints, of all jobs together.
    public var storageUsage: Int
    /// Checkpoints that were not valid.
    public var validationFailures: Int
    /// Recoveries that failed, or did not hold the checks.
    public var recoveryFailures: Int
    /// Checkpoints whose bytes were not what was written.
    public var corruptionIncidents: Int

    /// Makes thresholds; by default 100 MiB, no invalid and no damaged checkpoint, and two recoveries that
    /// failed.
    public init(
      storageUsage: Int = 100 << 20, validationFailures: Int = 0, recoveryFailures: Int = 2,
      corruptionIncidents: Int = 0
    ) {
      self.storageUsage = storageUsage
      self.validationFailures = validationFailures
      self.recoveryFailures = recoveryFailures
      self.corruptionIncidents = corruptionIncidents
    }
  }

  /// The kinds of facts that it is made of.
  public static let kinds: [JobFact.Kind] = [
    .invalidCheckpoint, .corruptCheckpoint, .recoveryFailed,
  ]

  /// Whether all is well.
  public var isWell: Bool { measures.allSatisfy(\.isWell) }

  /// What is not well: `Checkpoint health issue: recovery_failures = 3 (at most 2)`.
  public var issues: [String] {
    measures.filter { !$0.isWell }.map {
      let unit = $0.unit == .bytes ? " bytes" : ""
      return "Checkpoint health issue: \($0.name) = \($0.value)\(unit) (at most \($0.threshold))"
    }
  }

  /// Takes the measures.
  ///
  /// - Parameters:
  ///   - facts: Of ``kinds``, of the time that is looked at, latest first.
  ///   - storage: Bytes of stored checkpoints, by job.
  public static func of(
    _ facts: [JobFact], storage: [String: Int], thresholds: Thresholds = Thresholds()
  ) -> JobHealth {
    func count(_ kind: JobFact.Kind, _ name: String, _ threshold: Int) -> Measure {
      let found = facts.filter { $0.kind == kind }
      return Measure(
        name: name, value: found.count, threshold: threshold,
        details: found.prefix(5).map { fact in
          "\(fact.at) \(fact.job)" + (fact.detail.map { ": \($0)" } ?? "")
        })
    }
    let largest = storage.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return JobHealth(measures: [
      Measure(
        name: "checkpoint_storage_usage", value: storage.values.reduce(0, +),
        threshold: thresholds.storageUsage, unit: .bytes,
        details: largest.prefix(5).map { "\($0.key): \($0.value) bytes" }),
      count(
        .invalidCheckpoint, "checkpoint_validation_failures", thresholds.validationFailures),
      count(.recoveryFailed, "recovery_failures", thresholds.recoveryFailures),
      count(
        .corruptCheckpoint, "checkpoint_corruption_incidents", thresholds.corruptionIncidents),
    ])
  }

  /// Takes the measures of the jobs of a sink.
  ///
  /// - Parameter age: How far to look back.
  public static func of(
    _ sink: any CursorJobSink, within age: Duration, thresholds: Thresholds = Thresholds()
  ) async throws -> JobHealth {
    var storage: [String: Int] = [:]
    for schedule in try await sink.jobs(named: []) {
      storage[schedule.job.name] = try await sink.jobCheckpoints(of: schedule.job.name)
        .reduce(0) { $0 + $1.data.utf8.count }
    }
    let facts = try await sink.jobHistory(JobHistoryFilter(kinds: kinds, within: age))
    return of(facts, storage: storage, thresholds: thresholds)
  }

  /// Gives each measure to `swift-metrics`, as a gauge named `cairn_health_` and as the measure is, and
  /// whether all is well.
  ///
  /// - Parameters:
  ///   - metrics: Who takes them.
  ///   - sink: Whose jobs they are of, without secrets: the label `sink`. They are of all of its jobs,
  ///     so the label `job` is empty.
  public func record(in metrics: any MetricsFactory, sink: String) {
    let recorder = MetricRecorder(factory: metrics, job: "")
    let label = ("sink", sink)
    recorder.set(.healthIsWell, isWell ? 1 : 0, label)
    for measure in measures { recorder.set(measure.metric, Double(measure.value), label) }
  }
}

extension JobHealth.Measure {
  fileprivate var metric: CairnMetric {
    CairnMetric(
      "cairn_health_\(name)" + (unit == .bytes ? "_bytes" : ""), .gauge,
      "A measure of the health of cursor jobs.")
  }
}
