// Trains a model over 450 games in batches of 50. After each batch the predictions, the model and the
// mark that says how far it came are committed in one transaction. The program runs itself as a child
// process, kills it behind a commit and at random moments, and starts it again until it is done: the
// model is the same one, to the last bit, as that of a child which nobody disturbed.
//
//   swift run training-loop [FOLDER]        keeps the databases in FOLDER, if it is given
import Cairn
import CairnSQLite
import CairnTesting
import Foundation

struct Prediction: Codable {
  var game: String
  var expected: Double
  var margin: Double
}

/// The child: trains, or goes on training.
func train(database: String, states: String, pause: Int) async throws -> Int32 {
  // What happens is in the folder logs beside the database.
  let files = LogFiles(
    folder: URL(fileURLWithPath: database).deletingLastPathComponent().path + "/logs")
  // Lets the parent choose the moment of a kill.
  let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
  let processor = Processor(
    "ratings", into: SQLiteSink(path: database),
    target: EntityTarget("predictions", mode: .append),
    options: ProcessorOptions(
      stateFolder: states, inlineStateLimit: 100, events: EventLog(LogDestination(files: files)),
      faults: faults))
  var ratings = Ratings()
  let outcome = try await processor.forEachBatch(
    of: season(), id: \.id, partition: "2025", size: 50,
    restore: { ratings = try $0?.decoded() ?? Ratings() }
  ) { batch in
    var predictions: [Prediction] = []
    for game in batch.entities {
      predictions.append(
        Prediction(game: game.id, expected: ratings.learn(game), margin: game.margin))
    }
    // Training takes its time.
    try await Task.sleep(for: .milliseconds(pause))
    return BatchResult(rows: try RecordBatch(rows: predictions), state: ratings)
  }
  FileHandle.standardError.write(
    Data(
      "attempt \(outcome.report.attempt): \(outcome.report.completedBefore) games were done before\n"
        .utf8))
  print(ratings.bits)
  return outcome.exitCode
}

let arguments = CommandLine.arguments
if arguments.count == 5, arguments[1] == "train" {
  exit(
    try await train(
      database: arguments[2], states: arguments[3], pause: Int(arguments[4]) ?? 0))
}

let kept = arguments.count == 2 ? URL(fileURLWithPath: arguments[1]) : nil
let folder =
  kept
  ?? FileManager.default.temporaryDirectory
  .appendingPathComponent("training-loop-\(ProcessInfo.processInfo.processIdentifier)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { if kept == nil { try? FileManager.default.removeItem(at: folder) } }

func child(_ name: String, pause: Int) -> ChildCommand {
  let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  return ChildCommand(
    own ?? Bundle.main.executablePath ?? arguments[0],
    [
      "train", folder.appendingPathComponent("\(name).db").path,
      folder.appendingPathComponent("\(name)-states").path, "\(pause)",
    ])
}

let undisturbed = try await CrashCourse(child("undisturbed", pause: 0)).run(through: [])
let seed = UInt64(ProcessInfo.processInfo.processIdentifier)
// Behind the fourth of nine commits, so that there is something to go on from; then at random.
let kills =
  [Mishap.crash(at: .batchAfter, count: 4)]
  + Mishap.randomKills(seed: seed, count: 4, within: .milliseconds(250))
let disturbed = try await CrashCourse(child("disturbed", pause: 30)).run(through: kills)

let model = undisturbed.last?.standardOutput ?? ""
guard !model.isEmpty, disturbed.last?.standardOutput == model else {
  print("the models differ (seed \(seed))")
  exit(1)
}
let killed = disturbed.count { $0.wasKilled }
print("killed \(killed) times of \(disturbed.count) attempts, and the model is the same to the bit")

// Every game has its prediction once, though rows are only ever appended.
let sink = SQLiteSink(path: folder.appendingPathComponent("disturbed.db").path)
let history = try await sink.entityAttempts(EntityAttemptFilter())
let endings = history.reversed().map(\.ending.rawValue).joined(separator: ", ")
print("the attempts ended: \(endings)")
guard killed > 0, history.contains(where: { $0.entitiesSaved > 0 }) else {
  print("no child was killed and went on from a mark")
  exit(1)
}
guard history.first?.ending == .completed, history.first?.entitiesCompleted == 450,
  try await sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty
else { exit(1) }
