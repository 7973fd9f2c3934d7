import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// What loads record, read by others: Python's jsonschema and Prometheus's client.
@Suite(.serialized) struct EventCommandTests {
  private func eventFiles(_ place: Workplace, _ logs: String = "logs") -> [String] {
    place.names("\(logs)/events").map { place.file("\(logs)/events/\($0)") }
  }

  private func events(_ place: Workplace, _ filter: EventFilter = EventFilter()) throws -> [Event] {
    try EventHistory(folder: place.file("logs/events")).events(filter)
  }

  /// Six chunks.
  private func load(_ mode: LoadMode = .upsert) throws -> SampleLoad {
    try SampleLoad(rows: 900, seed: 31, mode: mode)
  }

  @Test("events of a load that is killed, resumed and repeated: by the schema, and the right ones")
  func killedAndResumed() async throws {
    let load = try load()
    let attempts = try await load.course.run(through: [.crash(at: .commitBefore, count: 4)])
    #expect(attempts.first?.wasKilled == true)
    _ = try await load.run()
    try await load.prove()
    let receipt = try #require(attempts.last).receipt()

    let found = try await RecordPeer.events(eventFiles(load.place))
    #expect(found.problems == [])
    #expect(found.types["pipeline_start"] == 1)
    #expect(found.types["pipeline_resume"] == 1)
    #expect(found.types["pipeline_complete"] == 1)
    #expect(found.types["pipeline_skip"] == 1)
    #expect(found.types["cleanup"] == 1)

    let events = try events(load.place)
    #expect(Set(events.map(\.pipelineID)) == [receipt.syncID.description])
    let committed = events.filter { $0.type == .chunkCommitted }
    // Whatever was recorded before the kill may be there or not; each chunk at most once.
    let chunks = committed.compactMap { $0.metadata["chunk"]?.integer }
    #expect(Set(chunks).count == chunks.count)
    #expect(Set(chunks).isSuperset(of: [3, 4, 5]))
    let complete = try #require(events.last { $0.type == .pipelineComplete })
    #expect(complete.metadata["rows"]?.integer == Int64(receipt.counts.rows))
    #expect(complete.metadata["rejected"]?.integer == Int64(receipt.counts.rejected))
    #expect(complete.metadata["rows_this_attempt"]?.integer == Int64(receipt.attemptWork.rows))
    let quality = try #require(events.last { $0.type == .dataQualityCheck })
    let attempt = committed.filter { ($0.time ?? 0) > 0 }.suffix(3)
    let accepted = attempt.reduce(Int64(0)) {
      $0 + ($1.metadata["rows"]?.integer ?? 0) - ($1.metadata["rejected"]?.integer ?? 0)
    }
    #expect(quality.metadata["rows"]?.integer == accepted)
    #expect((quality.metadata["missing_rate"]?.number ?? 0) > 0)
    #expect(quality.status == .warning)

    let summary = try await load.place.cairn(
      "pipeline", "summary", "\(receipt.syncID)", "--json")
    let object = try JSONSerialization.jsonObject(with: Data(summary.standardOutput.utf8))
    let read = try #require(object as? [String: Any])
    #expect(read["standing"] as? String == "complete")
    #expect(read["attempts"] as? Int == 2)
    #expect(read["stages_completed"] as? [String] == ["load", "finish"])
    #expect((read["errors"] as? [Any])?.isEmpty == true)

    let performance = try await load.place.cairn("pipeline", "performance")
    for step in ["parse", "encode", "transform", "commit", "finish"] {
      #expect(performance.standardOutput.contains("\n\(step)"))
    }
    let log = String(decoding: try load.place.read("logs/pipeline.log"), as: UTF8.self)
    #expect(log.contains(" INFO \(receipt.syncID) pipeline_complete (success) attempt=2 "))
    #expect(!log.contains("chunk_committed"))
    #expect(load.place.names("logs/stages") == [".stage_logs", "finish.log", "load.log"])
  }

  @Test("a load that fails, and one that finds no source, say so")
  func failing() async throws {
    let load = try load()
    let yaml = String(decoding: try load.place.read("job.yaml"), as: UTF8.self)
    let outcome = try await load.run(environment: ["CAIRN_MAX_ERROR_ROWS": "0"])
    #expect(outcome.exitCode == 65, "\(outcome.standardError)")
    try load.place.write(
      yaml.replacingOccurrences(of: "job: ", with: "job: other_"), to: "other.yaml")
    let missing = try await load.place.cairn(
      "load", "nowhere.dat", "--job", "other.yaml", "--quiet")
    #expect(missing.exitCode == 1, "\(missing.standardError)")

    #expect(try await RecordPeer.events(eventFiles(load.place)).problems == [])
    let errors = try events(load.place, EventFilter(type: .pipelineError))
    #expect(errors.count == 2)
    #expect(errors.first?.metadata["error_class"] == "data")
    #expect(
      errors.first?.metadata["error"]?.text?.contains("rejected rows where 0 are allowed") == true)
    #expect(errors.last?.pipelineID == "other_transport_documents")
    let log = String(decoding: try load.place.read("logs/errors/errors.log"), as: UTF8.self)
    #expect(log.contains("    Cairn.LoadError recorded at Cairn/"))
    // What a reject holds is data of the user's: it is in no log.
    let reject = try #require(load.expectation.rejectedAsTyped.first)
    #expect(!log.contains("line \(reject.line)"))
  }

  @Test("a conversion is a pipeline too; standard input is one from its first byte")
  func conversion() async throws {
    let load = try load()
    _ = try await load.place.cairn(
      "convert", "transport.dat", "--out", "out", "--chunk-rows", "150", "--quiet")
    _ = try await load.place.cairn(
      "convert", "transport.dat", "--out", "out", "--chunk-rows", "150", "--quiet")
    let found = try await RecordPeer.events(eventFiles(load.place))
    #expect(found.problems == [])
    #expect(found.types["chunk_converted"] == 6)
    #expect(found.types["stage_complete"] == 2)
  }

  @Test("with checkpoints off nothing is written, unless a log is asked for")
  func checkpointsOff() async throws {
    let off = ["ENABLE_CHECKPOINTING": "false"] as [String: String?]
    let load = try load()
    _ = try await load.run(environment: off)
    #expect(load.place.names().filter { $0 == "logs" || $0 == "checkpoints" } == [])
    let again = try self.load()
    _ = try await again.run("--logs", "here", environment: off)
    #expect(again.place.names("here/events") == ["events.log"])
    let none = try self.load()
    _ = try await none.run(environment: ["CAIRN_LOG_TO_FILE": "false"])
    #expect(none.place.names("logs") == [])
    #expect(none.place.names("checkpoints").isEmpty)
  }

  @Test("the section logging of a job file decides where and what")
  func section() async throws {
    let load = try load()
    let yaml = String(decoding: try load.place.read("job.yaml"), as: UTF8.self)
    try load.place.write(
      yaml + """

        logging:
          level: DEBUG
          log_to_console: true
          log_to_file: true
          log_file: away/main.log
          separate_stage_logs: true
          stage_log_dir: stages
        """, to: "job.yaml")
    let outcome = try await load.run()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let log = String(decoding: try load.place.read("away/main.log"), as: UTF8.self)
    #expect(log.contains(" DEBUG ") && log.contains("chunk_committed (success) chunk=5"))
    #expect(outcome.standardError.contains("chunk_committed (success) chunk=5"))
    #expect(
      load.place.names("away")
        == [".lock", "errors", "events", "main.log"].filter { $0 != "errors" })
    #expect(load.place.names("stages").contains("convert.log"))
  }

  @Test("--log-format json: no files, and standard error is JSON from the first line to the last")
  func json() async throws {
    let load = try load()
    let killed = try await load.course.attempt(
      load.command(["--log-format", "json"]), .crash(at: .commitBefore, count: 3))
    #expect(killed.wasKilled)
    let outcome = try await load.run("--log-format", "json", "--deadline", "1ms")
    #expect(outcome.exitCode == 75)
    let done = try await load.run(environment: ["CAIRN_LOG_FORMAT": "json"])
    #expect(done.exitCode == 0)
    #expect(!load.place.exists("logs"))
    var events = ""
    for line in (outcome.standardError + done.standardError).split(separator: "\n") {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let read = try #require(object, "\(line)")
      if read["event_type"] != nil {
        events += line + "\n"
      } else {
        #expect(read["level"] is String && read["message"] is String, "\(line)")
      }
    }
    try load.place.write(events, to: "events.jsonl")
    let found = try await RecordPeer.events([load.place.file("events.jsonl")])
    #expect(found.problems == [])
    #expect(found.types["pipeline_stop"] == 1 && found.types["pipeline_complete"] == 1)
    // The last word is a message: how to go on.
    #expect(outcome.standardError.contains("cairn resume"))
  }

  @Test("a log folder that cannot be written to is a warning, once; the load is done")
  func unwritable() async throws {
    let load = try load()
    try load.place.write("", to: "logs")
    let outcome = try await load.run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardError.components(separatedBy: "the log cannot be written").count == 2)
    try await load.prove()
  }

  @Test("the log is on a full disk: the load goes on, and what is there is whole lines")
  func fullDisk() async throws {
    let load = try load()
    let mounted = load.place.file("logs")
    try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
    let mount = try await shell("mount -t tmpfs -o size=16k tmpfs '\(mounted)'")
    guard mount.exitCode == 0 else {
      print("no tmpfs can be mounted here; the test of a full disk is skipped")
      return
    }
    let outcome = try await load.run("--chunk-rows", "5")
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardError.components(separatedBy: "the log cannot be written").count == 2)
    let found = try await RecordPeer.events(eventFiles(load.place))
    #expect(found.problems == [])
    #expect((found.types["chunk_converted"] ?? 0) > 0)
    _ = try await shell("umount '\(mounted)'")
  }

  private func shell(_ script: String) async throws -> ChildOutcome {
    try await ChildProcess(ChildCommand("/bin/sh", ["-c", script])).wait()
  }

  // MARK: Several processes

  /// Lines for `cairn events record -`, walking through four days.
  private func write(_ count: Int, pipeline: String, to name: String, in place: Workplace) throws {
    var text = ""
    let start: Int64 = 1_759_708_800_000_000_000
    for number in 0..<count {
      let event = Event(
        .stageStart, pipelineID: pipeline, stage: "s", metadata: ["n": EventValue(number)],
        time: start + Int64(number) * (345_600_000_000_000 / Int64(count)))
      text += event.jsonLine() + "\n"
    }
    try place.write(text, to: name)
  }

  private func recorder(_ name: String, in place: Workplace) throws -> ChildProcess {
    try ChildProcess(
      ChildCommand(
        "/bin/sh",
        ["-c", "exec \"$0\" events record - --job job.yaml < \"$1\"", CairnBinary.path, name],
        directory: place.path))
  }

  /// A job whose lines rotate often.
  private func rotating() throws -> Workplace {
    let place = try Workplace()
    try place.write(
      """
      job: j
      sink: { url: "sqlite:x.db", table: t }
      logging: { max_size: 50kB, backup_count: 1000 }
      """, to: "job.yaml")
    return place
  }

  @Test("three processes write and rotate at once: every line is there once, whole")
  func together() async throws {
    let place = try rotating()
    let count = 1_500
    for process in 0..<3 {
      try write(count, pipeline: "p\(process)", to: "in\(process)", in: place)
    }
    let processes = try (0..<3).map { try recorder("in\($0)", in: place) }
    for process in processes { #expect(try await process.wait().exitCode == 0) }
    let found = try await RecordPeer.events(eventFiles(place))
    #expect(found.problems == [])
    #expect(found.types == ["stage_start": 3 * count])
    for process in 0..<3 {
      let numbers = try events(place, EventFilter(pipelineID: "p\(process)"))
        .compactMap { $0.metadata["n"]?.integer }
      #expect(numbers == (0..<Int64(count)).map { $0 })
    }
    #expect(place.names("logs/events").count >= 4)
    let lines = place.names("logs").filter { $0.hasPrefix("pipeline.log") }
      .flatMap { name -> [String] in
        let bytes = (try? place.read("logs/\(name)")) ?? []
        #expect(bytes.last == 0x0A)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      }
    #expect(lines.count == 3 * count)
    #expect(Set(lines).count == 3 * count)
  }

  @Test("killed at any moment, lines are whole or absent, and what was written before is there")
  func killed() async throws {
    let place = try rotating()
    try write(20_000, pipeline: "p", to: "in", in: place)
    func size() -> Int {
      eventFiles(place).reduce(0) { $0 + (FileManager.default.contents(atPath: $1)?.count ?? 0) }
    }
    for attempt in 0..<6 {
      let before = size()
      let first = try recorder("in", in: place)
      let second = try recorder("in", in: place)
      let deadline = ContinuousClock.now + .seconds(30)
      while size() == before, ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(1))
      }
      try await Task.sleep(for: .milliseconds(attempt * 4))
      first.kill()
      second.kill()
      _ = try await first.wait()
      _ = try await second.wait()
    }
    // The next writer mends what the last one left.
    try write(1, pipeline: "last", to: "one", in: place)
    #expect(try await recorder("one", in: place).wait().exitCode == 0)
    let found = try await RecordPeer.events(eventFiles(place))
    #expect(found.problems.isEmpty, "\(found.problems.prefix(5))")
    let numbers = try events(place, EventFilter(pipelineID: "p")).compactMap {
      $0.metadata["n"]?.integer
    }
    #expect(!numbers.isEmpty)
    // Twelve writers, each from the first on without a gap: no number is there more often than the
    // one before.
    let counts = numbers.reduce(into: [Int64: Int]()) { $0[$1, default: 0] += 1 }
    for number in counts.keys where number > 0 {
      #expect(counts[number - 1, default: 0] >= counts[number, default: 0])
    }
  }

  @Test("a process that is stopped with the folder's lock does not stop the others' log")
  func stopped() async throws {
    let place = try rotating()
    try write(500, pipeline: "q", to: "other", in: place)
    try FileManager.default.createDirectory(
      atPath: place.file("logs"), withIntermediateDirectories: true)
    let lock = open(place.file("logs/.lock"), O_CREAT | O_RDWR, 0o600)
    try #require(lock >= 0 && flock(lock, LOCK_EX) == 0)
    defer { close(lock) }
    let outcome = try await recorder("other", in: place).wait(timeout: .seconds(60))
    #expect(outcome.exitCode == 0)
    #expect(try events(place, EventFilter(pipelineID: "q")).count == 500)
    // Nobody who may be writing is rotated away.
    #expect(place.names("logs/events") == ["events.log"])
  }

  // MARK: Commands

  @Test("events from scripts, and those who follow them")
  func scripts() async throws {
    let place = try Workplace()
    let follower = try ChildProcess(
      place.command(["events", "--follow", "--json", "--pipeline", "nightly"]))
    let recorded = try await place.cairn(
      "events", "record", "stage_complete", "--pipeline", "nightly", "--stage", "fetch",
      "--status", "success", "--metadata", "rows=250", "--metadata", "note=two words")
    #expect(recorded.exitCode == 0, "\(recorded.standardError)")
    _ = try await place.cairn("events", "record", "tick", "--pipeline", "other")
    let shown = try await place.cairn("events", "--json")
    let events = shown.standardOutput.split(separator: "\n").compactMap {
      Event(jsonLine: String($0))
    }
    #expect(events.map(\.type) == [.stageComplete, "tick"])
    #expect(events.first?.metadata == ["rows": 250, "note": "two words"])
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(20)
    while follower.standardOutput.isEmpty, clock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    follower.kill()
    #expect(follower.standardOutput == events.first.map { $0.jsonLine() + "\n" })
    let none = try await place.cairn("events", "--logs", "nowhere")
    #expect(none.exitCode == 64 && none.standardError.contains("--logs"))
    let bad = try await place.cairn("events", "record", "tick")
    #expect(bad.exitCode == 64 && bad.standardError.contains("--pipeline"))
    // What the schema forbids.
    for wrong in [
      ["Stage-Complete", "--pipeline", "p"], ["tick", "--pipeline", ""],
      ["tick", "--pipeline", "p", "--stage", ""],
    ] {
      let refused = try await ChildProcess(place.command(["events", "record"] + wrong)).wait()
      #expect(refused.exitCode == 64, "\(wrong)")
    }
    try place.write(
      #"{"event_type":"tick","pipeline_id":"p"}"# + "\n" + #"{"event_type":"","pipeline_id":"p"}"#,
      to: "lines")
    let piped = try await ChildProcess(
      ChildCommand(
        "/bin/sh", ["-c", "exec \"$0\" events record - < lines", CairnBinary.path],
        directory: place.path)
    ).wait()
    #expect(piped.exitCode == 64 && piped.standardError.contains("line 2"))
  }

  @Test(
    "figures agree with the receipts, over a killed load, its resume and a load that did nothing")
  func metrics() async throws {
    let load = try load()
    let file = load.place.file("cairn.prom")
    let more = ["--metrics-file", "cairn.prom"]
    let killed = try await load.course.attempt(
      load.command(more), .crash(at: .commitBefore, count: 4))
    #expect(killed.wasKilled)
    let resumed = try await load.run("--metrics-file", "cairn.prom")
    let receipt = try resumed.receipt()
    let first = try await RecordPeer.metrics(file)
    let job = "job=transport_documents"
    func figure(_ name: String, _ labels: String = "") -> Double? {
      first["\(name){\(job)\(labels.isEmpty ? "" : ",")\(labels)}"]
    }
    #expect(figure("cairn_runs_total", "outcome=success") == 1)
    #expect(figure("cairn_resumes_total", "outcome=success") == 1)
    #expect(figure("cairn_chunks_total", "fate=committed") == 3)
    #expect(figure("cairn_chunks_total", "fate=skipped") == 3)
    #expect(figure("cairn_commits_total") == 3)
    #expect(figure("cairn_commit_seconds_count") == 3)
    var rows = 0.0
    for fate in ["inserted", "updated", "unchanged", "superseded", "kept", "rejected"] {
      rows += figure("cairn_rows_total", "fate=\(fate)") ?? 0
    }
    #expect(rows == Double(receipt.attemptWork.rows))
    #expect(figure("cairn_time_to_resume_seconds_count") == 1)
    #expect(
      abs((figure("cairn_time_saved_seconds_total") ?? 0) - receipt.attemptWork.secondsSaved) < 0.5)
    #expect(figure("cairn_cleanups_total", "outcome=success") == 1)
    #expect((figure("cairn_last_success_timestamp_seconds") ?? 0) > 1.7e9)
    _ = try await load.run("--metrics-file", "cairn.prom")
    let second = try await RecordPeer.metrics(file)
    #expect(second["cairn_runs_total{\(job),outcome=skipped}"] == 1)
    #expect(second["cairn_commits_total{\(job)}"] == 3)
  }
}
