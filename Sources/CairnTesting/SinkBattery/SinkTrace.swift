internal import Cairn

/// A random history of runs into one table, told by its seed: chunks committed in and out of order,
/// repeated, interleaved with those of other runs, resumed by other owners, finished, abandoned.
/// After each step the sink is compared with ``SinkModel``.
struct SinkTrace {
  private let seed: UInt64
  private var random: SplitMix
  private let table: String
  private let appends: Bool
  private let key: [String]
  private var model: SinkModel
  private var runs: [TracedRun] = []
  private var began = 0

  private struct TracedRun {
    var run: ScriptedRun
    var sink: Int
    var committed: [Int: RowCounts] = [:]
    var isEndMarked = false
    var isOver = false
    var isComplete: Bool { isEndMarked && committed.count == run.chunks.count }
  }

  init(seed: UInt64) {
    self.seed = seed
    random = SplitMix(seed: seed)
    table = "trace_\(seed)"
    appends = Int.random(in: 0..<5, using: &random) == 0
    key = appends ? [] : (Bool.random(using: &random) ? ["id"] : ["id", "n"])
    model = SinkModel(key: appends ? [] : (key.count == 1 ? [0] : [0, 1])) { cells in
      cells[2] == .text("refused")
    }
  }

  /// Runs the history.
  mutating func run(on place: SinkPlace) async throws {
    let sinks = [try await place.makeSink(), try await place.makeSink()]
    var definition = "id TEXT NOT NULL, n INTEGER, note TEXT, CHECK (note <> 'refused')"
    if !key.isEmpty { definition += ", PRIMARY KEY (\(key.joined(separator: ", ")))" }
    try await place.probe.execute("CREATE TABLE \(table) (\(definition))")
    for step in 0..<Int.random(in: 10..<40, using: &random) {
      let done = try await act(on: sinks)
      try await Scripted.expectRows(
        target(.upsert), model.rows, at: place, "seed \(seed), step \(step), after \(done)")
    }
  }

  private func target(_ mode: LoadMode) -> TargetTable {
    var target = Scripted.target(mode, name: table, key: key)
    if key.count == 2 { target.columns[1].isRequired = true }
    return target
  }

  private mutating func act(on sinks: [any Sink]) async throws -> String {
    let open = runs.indices.filter { !runs[$0].isOver }
    guard let chosen = open.randomElement(using: &random),
      began == 4 || Int.random(in: 0..<6, using: &random) > 0
    else {
      return began < 4 ? try await begin(on: sinks) : "nothing"
    }
    let sink = sinks[runs[chosen].sink]
    let left = runs[chosen].run.chunks.indices.filter { runs[chosen].committed[$0] == nil }
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<9:
      guard let chunk = left.first else { return try await finish(chosen, on: sink) }
      return try await commit(chosen, chunk, on: sink)
    case 9..<14:
      guard let chunk = left.randomElement(using: &random) else {
        return try await finish(chosen, on: sink)
      }
      return try await commit(chosen, chunk, on: sink)
    case 14, 15:
      guard let chunk = runs[chosen].committed.keys.sorted().randomElement(using: &random) else {
        return "nothing"
      }
      return try await commit(chosen, chunk, on: sink)
    case 16:
      return try await hand(chosen, over: sinks)
    case 17:
      let syncID = runs[chosen].run.record.syncID
      try await sink.abandon(syncID, owner: Scripted.owner)
      runs[chosen].isOver = true
      return "abandoning \(syncID)"
    default:
      return try await finish(chosen, on: sink)
    }
  }

  private mutating func begin(on sinks: [any Sink]) async throws -> String {
    began += 1
    let modes: [LoadMode] =
      appends ? [.append] : [.upsert, .upsert, .upsert, .insertOnly, .insertOnly, .replace]
    let mode = modes.randomElement(using: &random) ?? .upsert
    let chunks = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      (0..<Int.random(in: 0...6, using: &random)).map { _ in randomRow() }
    }
    let sink = Int.random(in: 0..<2, using: &random)
    let number = Int(seed % 100_000) * 10 + began
    let run = try await Scripted.begin(number, target(mode), chunks, on: sinks[sink])
    runs.append(TracedRun(run: run, sink: sink))
    return "beginning \(run.record.syncID), \(mode.rawValue)"
  }

  private mutating func randomRow() -> ScriptedRow {
    if Int.random(in: 0..<12, using: &random) == 0 { return .rejected }
    let id = ["a", "b", "c", "d"].randomElement(using: &random) ?? "a"
    let n = Int64.random(in: 0..<3, using: &random)
    let note = ["x", "y", nil, "refused"].randomElement(using: &random) ?? nil
    return Scripted.row(id, n, note)
  }

  private mutating func commit(_ index: Int, _ chunk: Int, on sink: any Sink) async throws
    -> String
  {
    let traced = runs[index]
    if !traced.isEndMarked, traced.committed.count + 1 >= traced.run.chunks.count {
      try await sink.recordEnd(
        traced.run.end, of: traced.run.record.syncID, under: traced.run.lease)
      runs[index].isEndMarked = true
    }
    let done = "committing chunk \(chunk) of \(traced.run.record.syncID)"
    let outcome = try await traced.run.commit(chunk, to: sink)
    if let counts = traced.committed[chunk] {
      guard case .alreadyCommitted(let entry) = outcome else {
        throw BatteryFailure(
          "seed \(seed), \(done) again", expected: "alreadyCommitted", found: "\(outcome)")
      }
      try expect("seed \(seed), \(done) again: counts", entry.counts, is: counts)
      return done + " again"
    }
    let counts = model.commit(
      traced.run.chunks[chunk],
      stamp: SinkModel.Stamp(sequence: traced.run.record.sequence, chunk: chunk),
      mode: traced.run.target.mode)
    try Scripted.expectCommitted(outcome, counts, "seed \(seed), \(done): counts")
    runs[index].committed[chunk] = counts
    return done
  }

  /// Another process goes on with the run.
  private mutating func hand(_ index: Int, over sinks: [any Sink]) async throws -> String {
    let traced = runs[index]
    let syncID = traced.run.record.syncID
    let successor = Int.random(in: 0..<2, using: &random)
    let outcome = try await sinks[successor].acquireLease(
      of: syncID, owner: Scripted.owner, duration: .seconds(600), takeOver: true)
    guard case .acquired(let lease, let record) = outcome else {
      throw BatteryFailure("taking over \(syncID)", expected: "acquired", found: "\(outcome)")
    }
    if let chunk = traced.run.chunks.indices.randomElement(using: &random) {
      try await expectRefusal("seed \(seed), commit of a fenced owner", "fenced") {
        try await traced.run.commit(chunk, to: sinks[traced.sink])
      } _: {
        $0.isFenced
      }
    }
    runs[index].run.lease = lease
    runs[index].run.record = record
    runs[index].sink = successor
    return "handing \(syncID) over"
  }

  private mutating func finish(_ index: Int, on sink: any Sink) async throws -> String {
    let traced = runs[index]
    let syncID = traced.run.record.syncID
    guard traced.isComplete else {
      try await expectRefusal("seed \(seed), finish of incomplete \(syncID)", "incomplete") {
        try await traced.run.finish(on: sink)
      } _: {
        $0.isIncomplete
      }
      try await traced.run.finish(on: sink, as: .partialSuccess)
      return "finishing \(syncID) as a partial success"
    }
    let hasLater = runs.contains {
      $0.run.record.sequence > traced.run.record.sequence && !$0.committed.isEmpty
    }
    if traced.run.target.mode == .replace, hasLater {
      try await expectRefusal("seed \(seed), outdated replace by \(syncID)", "a fatal error") {
        try await traced.run.finish(on: sink)
      } _: {
        $0.isFatal
      }
      try await sink.abandon(syncID, owner: Scripted.owner)
      runs[index].isOver = true
      return "refusing to replace by \(syncID)"
    }
    let record = try await traced.run.finish(on: sink)
    if traced.run.target.mode == .replace { model.swap(traced.run.record.sequence) }
    runs[index].isOver = true
    var sum = RowCounts()
    for counts in traced.committed.values { sum += counts }
    try expect("seed \(seed), counts of \(syncID)", record.counts, is: sum)
    try expect("seed \(seed), status of \(syncID)", record.status, is: .completed)
    return "finishing \(syncID)"
  }
}

enum TraceChecks {
  static let all = (0..<6).map { block in
    SinkCheck("random histories \(block * 15)…\(block * 15 + 14) end as the model says") { place in
      try await place.makeSink().prepareState()
      for seed in block * 15..<(block + 1) * 15 {
        var trace = SinkTrace(seed: UInt64(seed))
        try await trace.run(on: place)
      }
    }
  }
}

extension SinkBattery {
  /// The check of one random history, of the caller's seed.
  public static func trace(seed: UInt64) -> SinkCheck {
    SinkCheck("the random history of seed \(seed) ends as the model says") { place in
      try await place.makeSink().prepareState()
      var trace = SinkTrace(seed: seed)
      try await trace.run(on: place)
    }
  }
}
