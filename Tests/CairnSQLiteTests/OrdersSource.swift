import Cairn
import Foundation

/// Orders of a shop: `GET /orders?limit=…&after=…` answers `{"orders": […], "next": "…"}`.
struct OrdersSource: CursorSource {
  struct Order: Codable { var id: Int64, customer: String, total: Double }
  struct Answer: Decodable { var orders: [Order], next: String? }

  let type = "orders"
  let scope = "all orders"
  let phases = ["orders"]
  let firstPartitions = [Partition(phase: "orders", name: "shop")]
  let tables = [
    RecordTable(
      "orders",
      columns: [
        TargetColumn(name: "id", type: .bigint, isRequired: true),
        TargetColumn(name: "customer", type: .text, isRequired: false),
        TargetColumn(name: "total", type: .double, isRequired: false),
      ], key: ["id"])
  ]
  let get: @Sendable (_ path: String) async throws -> (status: Int, body: Data)

  func page(_ request: PageRequest) async throws -> Page {
    var path = "/orders?limit=\(request.limit)"
    if let cursor = request.cursor { path += "&after=\(cursor)" }
    if let since = request.since { path += "&updated_since=\(since / 1_000_000_000)" }
    request.context.countRequest()
    let (status, body) = try await get(path)
    switch status {
    case 200: break
    case 401, 403: throw CursorSourceError.fatal("the shop refuses the token", remedy: "Renew it")
    case 410: throw CursorSourceError.cursorRefused("the shop has forgotten the cursor")
    default: throw CursorSourceError.transient("the shop answers \(status)")
    }
    let answer = try JSONDecoder().decode(Answer.self, from: body)
    return Page(
      rows: [TableRows(table: "orders", batch: try RecordBatch(rows: answer.orders))],
      next: answer.next.map { .after($0) } ?? .finished, records: answer.orders.count)
  }
}
