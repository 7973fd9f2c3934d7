import Cairn
import Foundation

// What `bench.py` measures inside a process: `CairnBench SECTION …` prints one JSON object.

/// Nanoseconds of processor time of the process so far.
func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func seconds(since start: ContinuousClock.Instant) -> Double {
  (ContinuousClock.now - start) / .seconds(1)
}

func event(_ number: Int) -> Event {
  Event(
    .stageComplete, pipelineID: "pipeline_20251007_204353", stage: "data_extraction",
    status: .success, metadata: ["duration_seconds": 0.148, "rows": EventValue(number)])
}

/// So many events into `events.log` and `pipeline.log`.
func measureEvents(_ count: Int, folder: String) async throws {
  let log = EventLog(LogDestination(files: LogFiles(folder: folder, separateStageLogs: false)))
  log.record(event(0))
  await log.flush()

  // Without a pause: the caller, at last, is as fast as the writer.
  let processor = processorTime()
  let start = ContinuousClock.now
  for number in 1...count { log.record(event(number)) }
  await log.flush()
  let whole = seconds(since: start)
  let processorSeconds = (processorTime() - processor) * 1e-9

  // What the caller pays while there is room: the writer catches up between the bursts.
  var caller = 0.0
  let burst = 1_000
  for _ in 0..<100 {
    let start = ContinuousClock.now
    for number in 0..<burst { log.record(event(number)) }
    caller += seconds(since: start)
    await log.flush()
  }

  // One now and then, as pipelines and loads have them.
  var sparse: [Double] = []
  for number in 0..<500 {
    try await Task.sleep(for: .milliseconds(5))
    let start = ContinuousClock.now
    log.record(event(number))
    sparse.append(seconds(since: start))
  }

  // One at a time, each after the log's thread has gone, which it does after half a second.
  var single: [Double] = []
  for number in 0..<20 {
    await log.flush()
    try await Task.sleep(for: .milliseconds(700))
    let start = ContinuousClock.now
    log.record(event(number))
    single.append(seconds(since: start))
  }
  await log.flush()

  let found = try LogFiles(folder: folder).events()
  let figures: [String: Any] = [
    "seconds_per_event": whole / Double(count),
    "processor_seconds_per_event": processorSeconds / Double(count),
    "caller_seconds_per_event": caller / Double(100 * burst),
    "sparse_seconds": sparse.sorted()[sparse.count / 2],
    "single_seconds": single.sorted()[single.count / 2],
    "events": found, "expected": 1 + count + 100 * burst + sparse.count + single.count,
  ]
  print(String(decoding: try JSONSerialization.data(withJSONObject: figures), as: UTF8.self))
}

extension LogFiles {
  fileprivate func events() throws -> Int {
    var count = 0
    try EventHistory(folder: eventFolder).forEach { _ in count += 1 }
    return count
  }
}

let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "events" where arguments.count == 4:
  try await measureEvents(Int(arguments[2]) ?? 100_000, folder: arguments[3])
default:
  FileHandle.standardError.write(Data("CairnBench events COUNT FOLDER\n".utf8))
  exit(64)
}
