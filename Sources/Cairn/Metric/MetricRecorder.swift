internal import Metrics

/// Gives figures about one job to `swift-metrics`.
struct MetricRecorder: Sendable {
  let factory: any MetricsFactory
  let job: String

  /// Adds to a counter.
  func add(_ metric: CairnMetric, _ amount: Int = 1, _ dimension: (String, String)? = nil) {
    Counter(label: metric.name, dimensions: dimensions(dimension), factory: factory)
      .increment(by: amount)
  }

  /// Adds a fraction to a counter.
  func add(_ metric: CairnMetric, _ amount: Double) {
    FloatingPointCounter(label: metric.name, dimensions: dimensions(nil), factory: factory)
      .increment(by: amount)
  }

  /// Sets a gauge.
  func set(_ metric: CairnMetric, _ value: Double, _ dimension: (String, String)? = nil) {
    Gauge(label: metric.name, dimensions: dimensions(dimension), factory: factory).record(value)
  }

  /// Records a duration.
  func record(_ metric: CairnMetric, seconds: Double) {
    Timer(label: metric.name, dimensions: dimensions(nil), factory: factory)
      .recordNanoseconds(Int64(max(0, min(seconds, 1e9)) * 1e9))
  }

  private func dimensions(_ more: (String, String)?) -> [(String, String)] {
    [("job", job)] + (more.map { [$0] } ?? [])
  }
}
