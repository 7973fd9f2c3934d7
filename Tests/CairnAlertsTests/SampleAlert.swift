import Cairn

@testable import CairnAlerts

extension Alert {
  /// 2025-01-29T14:30:22Z.
  static let sampleTime: Int64 = 1_738_161_022_000_000_000

  /// A failed run with everything that an alert can hold.
  static var failedSample: Alert {
    var alert = Alert(
      .failed, job: "transport_documents", source: "transport.dat", table: "documents",
      sink: "sqlite:transport.db", time: sampleTime)
    alert.syncID = SyncID("sync_20250129_143000_a3f4b2c1")
    alert.attempt = 2
    var counts = RowCounts()
    counts.rows = 90_000
    counts.inserted = 89_541
    counts.rejected = 459
    alert.counts = counts
    alert.committedChunks = 18
    alert.totalChunks = 30
    alert.failedChunks = [7, 9]
    alert.problem = Problem(errorClass: .data, summary: "chunk 18: 120 rejected & <100> allowed")
    alert.nextCommand = "cairn resume sync_20250129_143000_a3f4b2c1 --job /etl/job.yaml"
    alert.host = "host01"
    return alert
  }

  static var successSample: Alert {
    Alert(
      .success, job: "j", source: "s.csv", table: "t", sink: "sqlite:t.db", time: sampleTime)
  }
}

extension DeliveryLimits {
  /// Retries without waiting long.
  static let quick = DeliveryLimits(
    total: .seconds(120), attempt: .seconds(30), minimumBackoff: .milliseconds(1))
}
