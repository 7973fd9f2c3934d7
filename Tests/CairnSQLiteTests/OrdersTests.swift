import Cairn
import CairnSQLite
import Foundation
import Testing

/// The example of docs/jobs.md, in a file of its own beside this one.
@Suite struct OrdersTests {
  @Test func `the docs show what runs here`() throws {
    let file = URL(fileURLWithPath: #filePath)
    let source = try String(
      contentsOf: file.deletingLastPathComponent().appendingPathComponent("OrdersSource.swift"),
      encoding: .utf8)
    let docs = try String(
      contentsOf: file.deletingLastPathComponent()
        .appendingPathComponent("../../docs/jobs.md").standardizedFileURL, encoding: .utf8)
    #expect(docs.contains("```swift\n" + source + "```\n"))
  }

  @Test func `it reads a shop, through a server that fails and forgets`() async throws {
    let folder = try TemporaryFolder()
    let shop = Shop()
    let job = CursorJob(
      name: "orders", source: OrdersSource(get: { try await shop.get($0) }),
      into: SQLiteSink(path: folder.file("shop.db")),
      options: CursorJobOptions(policy: CheckpointPolicy(records: 10), skipsBackoff: true))
    // The shop answers 500 once, and has forgotten a cursor later.
    let first = try await job.run()
    #expect(first.exitCode == 75)
    #expect(first.report.records == 20)
    let second = try await job.run()
    #expect(second.exitCode == 0)
    #expect(second.report.recovery == "retry_with_backoff")
    let probe = SQLiteProbe(path: folder.file("shop.db"))
    #expect(
      try await probe.literals("SELECT count(*), min(id), max(id) FROM orders")
        == [["45", "1", "45"]])
  }
}

private actor Shop {
  private var requests = 0

  func get(_ path: String) throws -> (status: Int, body: Data) {
    requests += 1
    if requests == 3 { return (500, Data()) }
    if requests == 5 { return (410, Data()) }
    let query = URLComponents(string: path)?.queryItems ?? []
    let after = query.first { $0.name == "after" }?.value.flatMap { Int($0) } ?? 0
    let limit = query.first { $0.name == "limit" }?.value.flatMap { Int($0) } ?? 1
    let ids = Array((after + 1)...45).prefix(limit)
    let orders = ids.map {
      ["id": $0, "customer": "c\($0)", "total": Double($0) / 2] as [String: Any]
    }
    var answer: [String: Any] = ["orders": orders]
    if let last = ids.last, last < 45 { answer["next"] = "\(last)" }
    return (200, try JSONSerialization.data(withJSONObject: answer))
  }
}
