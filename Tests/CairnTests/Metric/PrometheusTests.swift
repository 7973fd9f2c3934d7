import Foundation
import Metrics
import Testing

@testable import Cairn

@Suite struct PrometheusTests {
  private func filled(_ factory: PrometheusMetrics, times: Int = 1) {
    for _ in 0..<times {
      Counter(label: "cairn_rows_total", dimensions: [("job", "a \"b\"\\\n")], factory: factory)
        .increment(by: 5)
      FloatingPointCounter(label: "cairn_time_saved_seconds_total", factory: factory)
        .increment(by: 0.25)
      Gauge(label: "9.bad name", factory: factory).record(2.5)
      Recorder(label: "sizes", factory: factory).record(10)
      Timer(label: "cairn_commit_seconds", dimensions: [("job", "j")], factory: factory)
        .recordMilliseconds(30)
    }
  }

  @Test("the text is read back, and read by Prometheus's own client for Python")
  func text() async throws {
    let metrics = PrometheusMetrics()
    filled(metrics, times: 2)
    Timer(label: "cairn_commit_seconds", dimensions: [("job", "j")], factory: metrics)
      .recordSeconds(100_000)
    let text = MetricText.render(metrics.snapshot())
    #expect(MetricText.parse(text) == metrics.snapshot())

    let found = try await PythonReader.samples(text)
    #expect(found["cairn_rows_total{job=a \"b\"\\\n}"] == 10)
    #expect(found["cairn_time_saved_seconds_total{}"] == 0.5)
    #expect(found["_9_bad_name{}"] == 2.5)
    #expect(found["sizes_sum{}"] == 20 && found["sizes_count{}"] == 2)
    #expect(found["cairn_commit_seconds_count{job=j}"] == 3)
    #expect(found["cairn_commit_seconds_bucket{job=j,le=0.025}"] == 0)
    #expect(found["cairn_commit_seconds_bucket{job=j,le=0.05}"] == 2)
    #expect(found["cairn_commit_seconds_bucket{job=j,le=14400}"] == 2)
    #expect(found["cairn_commit_seconds_bucket{job=j,le=+Inf}"] == 3)
    #expect(abs((found["cairn_commit_seconds_sum{job=j}"] ?? 0) - 100_000.06) < 1e-6)
  }

  @Test("counters go on from the file, gauges are replaced, what others wrote stays")
  func goesOn() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("cairn.prom", "# TYPE other_total counter\nother_total{a=\"b\"} 7\n")
    for _ in 0..<3 {
      // Each is a process of its own.
      let metrics = PrometheusMetrics()
      let file = PrometheusFile(path: path, metrics: metrics)
      filled(metrics)
      try await file.write()
      // Written twice, counted once.
      try await file.write()
      Counter(label: "cairn_rows_total", dimensions: [("job", "a \"b\"\\\n")], factory: metrics)
        .increment(by: 1)
      try await file.write()
    }
    let found = try await PythonReader.samples(String(contentsOfFile: path, encoding: .utf8))
    #expect(found["cairn_rows_total{job=a \"b\"\\\n}"] == 18)
    #expect(found["_9_bad_name{}"] == 2.5)
    #expect(found["sizes_count{}"] == 3)
    #expect(found["cairn_commit_seconds_bucket{job=j,le=+Inf}"] == 3)
    #expect(found["other_total{a=b}"] == 7)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == [
        ".cairn.prom.lock", "cairn.prom",
      ])
  }

  @Test("several writers at once add up", arguments: [6])
  func together(_ writers: Int) async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "cairn.prom").path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<writers {
        group.addTask {
          let metrics = PrometheusMetrics()
          let file = PrometheusFile(path: path, metrics: metrics)
          for _ in 0..<20 {
            Counter(label: "c_total", factory: metrics).increment()
            try await file.write()
          }
        }
      }
      try await group.waitForAll()
    }
    let found = try await PythonReader.samples(String(contentsOfFile: path, encoding: .utf8))
    #expect(found["c_total{}"] == Double(writers * 20))
  }

  @Test("a file that is something else is replaced; a folder that is not there is an error")
  func damaged() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("cairn.prom", "x{\"")
    let metrics = PrometheusMetrics()
    filled(metrics)
    try await PrometheusFile(path: path, metrics: metrics).write()
    let found = try await PythonReader.samples(String(contentsOfFile: path, encoding: .utf8))
    #expect(found["sizes_count{}"] == 1)
    await #expect(throws: FileError.self) {
      try await PrometheusFile(path: folder.url.path + "/none/x.prom", metrics: metrics).write()
    }
  }

  @Test("every metric is in the document, with its kind")
  func documented() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let document = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
    for metric in CairnMetric.all {
      #expect(document.contains("| `\(metric.name)` | \(metric.kind.rawValue) |"), "\(metric.name)")
    }
    let named = document.matches(of: /\| `(cairn_[a-z_]+)` \|/).map { String($0.1) }
    #expect(Set(named) == Set(CairnMetric.all.map(\.name)))
  }
}

/// Reads figures with Prometheus's client for Python.
private enum PythonReader {
  static func samples(_ text: String) async throws -> [String: Double] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let venv =
      ProcessInfo.processInfo.environment["CAIRN_VENV"] ?? root.appending(path: ".venv").path
    let folder = try TemporaryFolder()
    let path = try folder.file("metrics", text)
    let output = try await run(
      venv + "/bin/python",
      [root.appending(path: "Tests/Peers/record_peers.py").path, "metrics", path])
    return try JSONDecoder().decode([String: Double].self, from: Data(output))
  }
}
