// What `Scripts/bench/stages/section.py` measures: saving and loading a checkpoint of 250 rows × 10
// columns, the same in a registry of many, and what checkpoints add to a pipeline of four stages.
// Prints the times in seconds as JSON.
import Cairn
import Foundation

let folder = CommandLine.arguments[1]
let rounds = Int(CommandLine.arguments[2]) ?? 200
let work = Duration.milliseconds(Int(CommandLine.arguments[3]) ?? 500)

/// 250 days of a share: a date, a ticker, seven numbers and a count, as the peer has them.
func prices(_ seed: Int) throws -> RecordBatch {
  let rows = 0..<250
  let columns = (0..<7).map { number in
    Column(
      name: "value_\(number)", type: .double,
      values: .double(rows.map { Double(($0 * 7_919 + seed + number * 31) % 100_003) * 0.01 }))
  }
  let day = Column(name: "day", type: .date, values: .date(rows.map { 19_358 + Int32($0) }))
  let volume = Column(
    name: "volume", type: .bigint, values: .bigint(rows.map { Int64($0 * 104_729 + seed) }))
  struct Ticker: Codable { var ticker: String }
  let ticker = try RecordBatch(rows: rows.map { _ in Ticker(ticker: "AAPL") }).columns[0]
  return try RecordBatch(columns: [day, ticker] + columns + [volume])
}

struct Times: Codable {
  var saves: [Double] = []
  var loads: [Double] = []
}

func checkpoints(_ name: String, _ durability: CheckpointDurability) -> StageCheckpoints {
  StageCheckpoints(directory: folder + "/" + name, durability: durability)
}

/// Saves a stage, and says how many seconds it took. As the peer: four stages an execution.
func save(
  _ round: Int, in checkpoints: StageCheckpoints
) async throws -> (id: String, seconds: Double) {
  let batch = try prices(round)
  let start = ContinuousClock.now
  let id = try await checkpoints.save(
    batch, pipeline: "pipeline_\(round / 4)", stage: "stage_\(round % 4)", metadata: ["rows": 250])
  return (id, (ContinuousClock.now - start).seconds)
}

func measure(_ name: String, durability: CheckpointDurability) async throws -> Times {
  let checkpoints = checkpoints(name, durability)
  var times = Times()
  var ids: [String] = []
  for round in 0..<rounds {
    let saved = try await save(round, in: checkpoints)
    times.saves.append(saved.seconds)
    ids.append(saved.id)
  }
  for id in ids {
    let start = ContinuousClock.now
    let loaded = try await checkpoints.load(id)
    let rows = try loaded.rows()
    times.loads.append((ContinuousClock.now - start).seconds)
    precondition(rows.rowCount == 250)
  }
  return times
}

/// Seconds of saves into registries that have so many entries already, in turn: what else the machine
/// does meanwhile falls on all of them.
func savesAmong(_ sizes: [Int]) async throws -> [String: [Double]] {
  let places = sizes.map { checkpoints("among-\($0)", .unsynced) }
  for (others, checkpoints) in zip(sizes, places) {
    // Entries of other executions, without their files: only the registry counts here.
    let registry = checkpoints.registry
    try await registry.prepare()
    for number in 0..<others {
      try await registry.record(
        StageCheckpoint(
          id: "p\(number / 10)_s\(number % 10)", pipelineID: "p\(number / 10)",
          stage: "s\(number % 10)", kind: .none, dataFile: nil,
          stateFile: "pipeline_p\(number / 10)_stage_s\(number % 10)_state.json",
          dataHash: String(repeating: "0", count: 64),
          timestamp: "2100-01-01T00:00:00.000000Z"), under: nil)
    }
  }
  // Writing the large registry to the disk is no part of a save.
  sync()
  var seconds: [String: [Double]] = [:]
  for round in 0..<rounds {
    for (others, checkpoints) in zip(sizes, places) {
      seconds["\(others)", default: []].append(try await save(round, in: checkpoints).seconds)
    }
  }
  return seconds
}

/// Seconds of a pipeline of four stages that do nothing but wait, with and without checkpoints.
func pipeline(_ isEnabled: Bool, durability: CheckpointDurability) async throws -> Double {
  let pipelines = Pipelines(
    checkpoints: StageCheckpoints(
      directory: folder + "/pipeline-\(durability)", durability: durability),
    settings: PipelineSettings(isEnabled: isEnabled))
  let start = ContinuousClock.now
  try await pipelines.run("bench", input: UUID().uuidString) { run in
    for stage in ["data_extraction", "data_validation", "features", "report"] {
      _ = try await run.stage(stage) {
        // Working, not waiting: a timer's tolerance would be larger than what is measured.
        let end = ContinuousClock.now + work
        while ContinuousClock.now < end {}
        return try prices(1)
      }
    }
  }
  return (ContinuousClock.now - start).seconds
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

struct Report: Codable {
  var unsynced: Times
  var synced: Times
  var among: [String: [Double]]
  var workSeconds: Double
  var pipelineOn: [Double] = []
  var pipelineSynced: [Double] = []
  var pipelineOff: [Double] = []
}

_ = try await measure("warm", durability: .unsynced)
var report = Report(
  unsynced: try await measure("unsynced", durability: .unsynced),
  synced: try await measure("synced", durability: .synced),
  among: try await savesAmong([10, 1_000, 100_000]), workSeconds: work.seconds * 4)
for _ in 0..<5 {
  report.pipelineOn.append(try await pipeline(true, durability: .unsynced))
  report.pipelineSynced.append(try await pipeline(true, durability: .synced))
  report.pipelineOff.append(try await pipeline(false, durability: .unsynced))
}
print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
