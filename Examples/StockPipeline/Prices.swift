import Cairn

/// What the pipeline is asked for.
struct Request: Codable, Sendable {
  var tickers: [String]
  var days: Int
}

/// A day of a share.
struct Price: Codable, Sendable {
  var ticker: String
  var day: LocalDate
  var open: Double
  var high: Double
  var low: Double
  var close: Double?
  var volume: Int64
}

/// Pretends to be a price service: the same days of the same share always have the same prices, and a
/// few of them lack one.
func download(_ ticker: String, days: Int) -> [Price] {
  var random = ticker.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
  func next(_ bound: UInt64) -> Double {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double((random >> 33) % bound)
  }
  var price = 100 + next(200)
  return (0..<days).map { number in
    let open = price
    price = max(1, price + next(600) / 100 - 3)
    return Price(
      ticker: ticker, day: LocalDate(days: 19_358 + Int32(number)), open: open,
      high: max(open, price) + 1, low: min(open, price) - 1,
      close: next(50) == 0 ? nil : price, volume: Int64(next(1_000_000)))
  }
}

/// The days that are complete.
func validated(_ raw: RecordBatch) throws -> RecordBatch {
  let close = try raw.column("close", as: Double.self)
  return raw.selecting(rows: (0..<UInt32(raw.rowCount)).filter { close[Int($0)] != nil })
}

/// The days with what a model wants to know of them.
func featured(_ clean: RecordBatch) throws -> RecordBatch {
  let open = try clean.column("open", as: Double.self)
  let close = try clean.column("close", as: Double.self)
  let gains = zip(open, close).map { open, close in ((close ?? 0) - (open ?? 0)) / (open ?? 1) }
  var batch = clean
  try batch.replaceColumn(Column(name: "gain", type: .double, values: .double(gains)))
  return batch
}
