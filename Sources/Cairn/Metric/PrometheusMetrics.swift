public import Metrics
internal import Synchronization

/// A backend for `swift-metrics` that keeps figures in memory, for ``PrometheusFile`` to write.
///
/// Counters are counters, gauges and meters gauges, timers histograms in seconds, recorders summaries
/// without quantiles. A destroyed metric keeps its last value: its file is read later.
public final class PrometheusMetrics: MetricsFactory, Sendable {
  private let families = Mutex<[String: MetricFamily]>([:])

  /// Makes a backend without figures.
  public init() {}

  /// What there is now, sorted by name.
  func snapshot() -> [MetricFamily] {
    families.withLock { $0.values.sorted { $0.name < $1.name } }
  }

  fileprivate func change(_ series: Series, _ body: (inout MetricFamily, [MetricLabel]) -> Void) {
    families.withLock { families in
      var family = families[series.name] ?? MetricFamily(name: series.name, kind: series.kind)
      // Two kinds under one name are one too many for Prometheus: the first counts.
      guard family.kind == series.kind else { return }
      body(&family, series.labels)
      families[series.name] = family
    }
  }

  private func handler(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind
  ) -> PrometheusHandler {
    PrometheusHandler(
      metrics: self,
      series: Series(
        name: MetricName.valid(label), kind: kind,
        labels: dimensions.map { MetricLabel(name: MetricName.validLabel($0.0), value: $0.1) }))
  }

  /// Makes a counter.
  public func makeCounter(
    label: String, dimensions: [(String, String)]
  ) -> any CounterHandler { handler(label, dimensions, .counter) }

  /// Makes a counter.
  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler { handler(label, dimensions, .counter) }

  /// Makes a gauge.
  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    handler(label, dimensions, .gauge)
  }

  /// Makes a summary, or a gauge.
  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler { handler(label, dimensions, aggregate ? .summary : .gauge) }

  /// Makes a histogram.
  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    handler(label, dimensions, .histogram)
  }

  /// Keeps the value.
  public func destroyCounter(_ handler: any CounterHandler) {}
  /// Keeps the value.
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  /// Keeps the value.
  public func destroyMeter(_ handler: any MeterHandler) {}
  /// Keeps the value.
  public func destroyRecorder(_ handler: any RecorderHandler) {}
  /// Keeps the value.
  public func destroyTimer(_ handler: any TimerHandler) {}
}

/// Which figure a handler changes.
private struct Series: Sendable {
  let name: String
  let kind: MetricFamily.Kind
  let labels: [MetricLabel]
}

/// Changes one figure, whatever its kind.
private final class PrometheusHandler: CounterHandler, FloatingPointCounterHandler, MeterHandler,
  RecorderHandler, TimerHandler
{
  private let metrics: PrometheusMetrics
  private let series: Series

  init(metrics: PrometheusMetrics, series: Series) {
    self.metrics = metrics
    self.series = series
    // A counter that never rose is there all the same: its absence would look like a broken job.
    if series.kind == .counter { change { $0.add(0, $1) } }
  }

  private func change(_ body: (inout MetricFamily, [MetricLabel]) -> Void) {
    metrics.change(series, body)
  }

  func increment(by amount: Int64) { change { $0.add(Double(amount), $1) } }
  func increment(by amount: Double) { change { $0.add(amount, $1) } }
  func decrement(by amount: Double) { change { $0.add(-amount, $1) } }
  func reset() { change { $0.set(0, $1) } }
  func set(_ value: Int64) { change { $0.set(Double(value), $1) } }
  func set(_ value: Double) { change { $0.set(value, $1) } }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    if series.kind == .gauge { set(value) } else { change { $0.observe(value, $1) } }
  }

  func recordNanoseconds(_ duration: Int64) { change { $0.observe(Double(duration) * 1e-9, $1) } }
}
