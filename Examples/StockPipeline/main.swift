// A pipeline in four stages that survives being killed anywhere: prices are downloaded for several
// shares at once, validated, given features, and loaded into a table. Run it again after a crash, and
// only what was not done yet runs.
//
//   swift run stock-pipeline FOLDER [DAYS [append]]
import Cairn
import CairnSQLite
import CairnTesting
import Foundation

let arguments = CommandLine.arguments
let isTemporary = arguments.count < 2
let folder =
  isTemporary
  ? FileManager.default.temporaryDirectory.path + "/stock-pipeline-\(getpid())" : arguments[1]
let request = Request(
  tickers: ["AAPL", "MSFT", "NVDA"], days: arguments.count > 2 ? Int(arguments[2]) ?? 250 : 250)
// Rows are found by share and day, so that a later execution updates them; or appended, exactly once.
let key = arguments.count > 3 && arguments[3] == "append" ? [] : ["ticker", "day"]
defer { if isTemporary { try? FileManager.default.removeItem(atPath: folder) } }
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

// Crash tests kill the program where CAIRN_CRASH_AT says so; otherwise nothing happens there.
let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
let checkpoints = StageCheckpoints(directory: folder + "/checkpoints", faults: faults)
let sink = SQLiteSink(path: folder + "/stocks.db", faults: faults)
// What happens is in FOLDER/logs: `cairn events --logs FOLDER/logs`, `cairn pipeline summary`.
let log = EventLog(LogDestination(files: LogFiles(folder: folder + "/logs")))
let pipelines = Pipelines(checkpoints: checkpoints, events: log)

/// Notes that the body of a stage ran to its end, for the tests: no saved stage may run again.
@Sendable func note(_ stage: String) throws {
  // Appended in one piece, whatever other tasks note.
  guard let file = fopen(folder + "/bodies.log", "a") else { throw CocoaError(.fileWriteUnknown) }
  fputs("\(stage)\n", file)
  fclose(file)
}

/// The pipeline.
func stocks() async throws -> Receipt {
  try await pipelines.run("stocks", input: request) { run in
    let raw = try await run.stage("data_extraction", metadata: ["tickers": 3]) {
      let prices = try await withThrowingTaskGroup(of: [Price].self) { group in
        for ticker in request.tickers {
          group.addTask {
            // Each share is a stage of its own within this one, so that a crash costs one download.
            try await run.stage("download \(ticker)") {
              let prices = download(ticker, days: request.days)
              run.reach(.stageHalfRun)
              try note("download \(ticker)")
              return prices
            }
          }
        }
        var all: [Price] = []
        for try await prices in group { all += prices }
        return all
      }
      run.reach(.stageHalfRun)
      try note("data_extraction")
      return try RecordBatch(
        rows: prices.sorted { ($0.ticker, $0.day) < ($1.ticker, $1.day) })
    }
    let clean = try await run.stage("data_validation", version: 2) {
      let clean = try validated(raw)
      log.dataQuality(
        pipelineID: run.id, stage: "data_validation", metrics: DataQuality(raw).metadata)
      run.reach(.stageHalfRun)
      try note("data_validation")
      return clean
    }
    let features = try await run.stage("feature_engineering") {
      let features = try featured(clean)
      run.reach(.stageHalfRun)
      try note("feature_engineering")
      return features
    }
    return try await run.stage("load", into: sink, table: "prices", key: key) {
      run.reach(.stageHalfRun)
      try note("load")
      return features
    }
  }
}

do {
  let receipt = try await stocks()
  precondition(receipt.counts.addsUp && receipt.counts.rejected == 0)
  print("\(receipt.counts.inserted) prices in the table")
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
