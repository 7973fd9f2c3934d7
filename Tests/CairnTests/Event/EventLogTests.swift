import Foundation
import Logging
import Synchronization
import Testing

@testable import Cairn

@Suite struct EventLogTests {
  /// A log in a folder of its own, by a clock that the test sets.
  private final class Place: Sendable {
    private let folder: TemporaryPath
    let clock = Mutex<Int64>(1_759_869_833_622_629_000)
    let reports = Mutex<[String]>([])

    init() throws { folder = try TemporaryPath() }

    var path: String { folder.path }

    func files(_ change: (inout LogFiles) -> Void = { _ in }) -> LogFiles {
      var files = LogFiles(folder: path + "/logs")
      change(&files)
      return files
    }

    func log(
      capacity: Int = 1 << 14, patience: Duration = .seconds(1),
      _ change: (inout LogFiles) -> Void = { _ in }
    ) -> EventLog {
      EventLog(
        LogDestination(files: files(change)), now: { self.clock.withLock { $0 } },
        capacity: capacity, patience: patience, console: 2,
        report: { reason in self.reports.withLock { $0.append(reason) } })
    }

    func lines(_ name: String) -> [String] {
      let data = FileManager.default.contents(atPath: path + "/logs/" + name) ?? Data()
      return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func names(_ name: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: path + "/logs/" + name)) ?? [])
        .sorted()
    }
  }

  private final class TemporaryPath: Sendable {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "/cairn-log-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private struct Trouble: Error, CustomStringConvertible {
    var description: String { "it broke" }
  }

  @Test("the seeds' calls fill the seeds' files")
  func calls() async throws {
    let place = try Place()
    let log = place.log()
    let id = "pipeline_20251007_120000"
    log.event(.pipelineStart, pipelineID: id, metadata: ["tickers": ["AAPL"]])
    log.stageStart(pipelineID: id, stage: "data_extraction")
    log.checkpoint(pipelineID: id, stage: "data_extraction", checkpointID: "c1")
    log.stageComplete(pipelineID: id, stage: "data_extraction", metadata: ["rows": 1000])
    log.performance(pipelineID: id, stage: "data_extraction", seconds: 0.5)
    log.dataQuality(
      pipelineID: id, stage: "data_validation", metrics: ["missing_rate": 0.01, "outliers": 5])
    log.stageError(pipelineID: id, stage: "data_validation", error: Trouble())
    await log.flush()

    let events = place.lines("events/events.log").compactMap { Event(jsonLine: $0) }
    #expect(
      events.map(\.type) == [
        .pipelineStart, .stageStart, .checkpointSaved, .stageComplete, .performanceMetric,
        .dataQualityCheck, .stageError,
      ])
    #expect(
      events.map(\.status) == [.info, .info, .success, .success, .info, .info, .error])
    #expect(events[2].metadata == ["checkpoint_id": "c1"])
    #expect(events[4].metadata == ["duration_seconds": 0.5])
    #expect(events[6].metadata["error"] == "it broke")
    #expect(events.allSatisfy { $0.time == 1_759_869_833_622_629_000 })

    // Figures of every stage are for those who ask for them: the level is info.
    #expect(place.lines("pipeline.log").count == 6)
    #expect(place.lines("stages/data_extraction.log").count == 3)
    let errors = place.lines("errors/errors.log")
    #expect(errors.first?.contains("stage_error (error) error=\"it broke\"") == true)
    #expect(errors.dropFirst().allSatisfy { $0.hasPrefix("    ") })
    #expect(errors.contains { $0.contains("Trouble recorded at CairnTests/EventLogTests.swift:") })
    let manager = FileManager.default
    for (name, mode) in [("", 0o700), ("events", 0o700), ("events/events.log", 0o600)] {
      let found = try manager.attributesOfItem(atPath: place.path + "/logs/" + name)
      #expect(found[.posixPermissions] as? Int == mode)
    }
  }

  @Test("messages of swift-log share the files")
  func messages() async throws {
    let place = try Place()
    let log = place.log { $0.level = .notice }
    var logger = Logger(label: "app") { EventLogHandler(label: $0, log: log) }
    logger[metadataKey: "host"] = "h1"
    logger.info("too quiet")
    logger.notice("hello", metadata: ["stage": "clean", "list": ["a", "b"]])
    logger.error("broken", error: Trouble(), metadata: ["code": "\(7)"])
    logger.warning("told as an event", metadata: [EventLogHandler.eventKey: "chunk_failed"])
    await log.flush()
    let lines = place.lines("pipeline.log")
    #expect(
      lines == [
        #"2025-10-07T20:43:53.622629Z NOTICE app: hello host=h1 list=["a","b"] stage=clean"#,
        #"2025-10-07T20:43:53.622629Z ERROR app: broken code=7 error="it broke" host=h1"#,
      ])
    #expect(place.lines("stages/clean.log") == [lines[0]])
    #expect(place.lines("errors/errors.log").first == lines[1])
    #expect(place.lines("events/events.log").isEmpty)
  }

  @Test("a file rotated by size loses nothing that is to be kept")
  func bySize() async throws {
    let place = try Place()
    let log = place.log {
      $0.maximumBytes = 2_000
      $0.backupCount = 50
      $0.stageFolder = nil
    }
    for number in 0..<200 {
      log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)])
      if number % 7 == 0 { await log.flush() }
    }
    await log.flush()
    let names = place.names("").filter { $0.hasPrefix("pipeline.log") }
    #expect(names.count > 5)
    // The newest is `pipeline.log`, then `.1`: the other way round they are in order.
    let numbers = (1..<names.count).reversed().map { "pipeline.log.\($0)" } + ["pipeline.log"]
    let lines = numbers.flatMap(place.lines)
    #expect(
      lines.map { $0.split(separator: "n=").last.map(String.init) } == (0..<200).map { "\($0)" })
    for name in names {
      let size = try #require(DurableFile.size(place.path + "/logs/" + name))
      #expect(size <= 2_000)
    }
  }

  @Test("only so many older files are kept")
  func kept() async throws {
    let place = try Place()
    let log = place.log {
      $0.maximumBytes = 1_000
      $0.backupCount = 2
      $0.stageFolder = nil
    }
    for number in 0..<100 {
      log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)])
      await log.flush()
    }
    #expect(
      place.names("").filter { $0.hasPrefix("pipeline.log") } == [
        "pipeline.log", "pipeline.log.1", "pipeline.log.2",
      ])
  }

  @Test("events rotate daily by UTC, also within one batch, and are found again")
  func daily() async throws {
    let place = try Place()
    let log = place.log()
    let day: Int64 = 86_400_000_000_000
    let start = EventTime.nanoseconds(of: "2025-10-06T23:59:59Z") ?? 0
    place.clock.withLock { $0 = start + 3 * day }
    for number in 0..<10 {
      log.record(
        Event(
          "tick", pipelineID: "p", metadata: ["n": EventValue(number)],
          time: start + Int64(number / 3) * day))
    }
    // A clock that goes back stays in the file of the day.
    log.record(Event("tick", pipelineID: "p", metadata: ["n": 10], time: start))
    await log.flush()
    #expect(
      place.names("events") == [
        "events.log", "events.log.2025-10-06", "events.log.2025-10-07", "events.log.2025-10-08",
      ])
    #expect(place.lines("events/events.log.2025-10-07").count == 3)
    #expect(place.lines("events/events.log").count == 2)
    let history = try #require(log.history)
    #expect(
      try history.events().map { $0.metadata["n"]?.integer } == [0, 1, 2, 10, 3, 4, 5, 6, 7, 8, 9])
    let late = try history.recent(hours: 47.9, now: start + 3 * day)
    #expect(late.map { $0.metadata["n"]?.integer } == [6, 7, 8, 9])
  }

  @Test("an event of a time to come neither stops the rotation nor hurries it")
  func future() async throws {
    let place = try Place()
    let day: Int64 = 86_400_000_000_000
    let start = EventTime.nanoseconds(of: "2025-10-06T12:00:00Z") ?? 0
    let path = place.path + "/logs/events/events.log"
    /// Another process's log, or the same one's.
    func record(_ logs: [EventLog], _ number: Int64, on date: Int64, at time: Int64?) async throws {
      place.clock.withLock { $0 = start + date * day }
      for (index, log) in logs.enumerated() {
        log.record(
          Event(
            "tick", pipelineID: "p\(index)", metadata: ["n": EventValue(Int(number))], time: time))
        await log.flush()
      }
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(start + date * day) * 1e-9)],
        ofItemAtPath: path)
    }
    let log = place.log()
    // The first line is of the year 2099, then time goes on.
    try await record([log], 0, on: 0, at: EventTime.nanoseconds(of: "2099-01-01T00:00:00Z"))
    for number in 1...3 { try await record([log, place.log()], Int64(number), on: 0, at: nil) }
    #expect(place.names("events") == ["events.log"])
    for number in 4...6 { try await record([log, place.log()], Int64(number), on: 1, at: nil) }
    #expect(place.names("events") == ["events.log", "events.log.2025-10-06"])
    #expect(place.lines("events/events.log.2025-10-06").count == 7)
    try await record([log], 7, on: 2, at: nil)
    #expect(
      place.names("events") == ["events.log", "events.log.2025-10-06", "events.log.2025-10-07"])
    #expect(place.lines("events/events.log.2025-10-07").count == 6)
    #expect(place.lines("events/events.log").count == 1)
  }

  @Test("who follows is told each event once, also what is written while it begins")
  func followed() async throws {
    let place = try Place()
    let log = place.log()
    for number in 0..<5 { log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)]) }
    await log.flush()
    let history = try #require(log.history)
    var follower = try EventFollower(history)
    // Two of them are alike.
    for number in [5, 6, 6] {
      log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)])
    }
    await log.flush()
    let first = try follower.begin(in: history, limit: 6)
    #expect(first.map { $0.metadata["n"]?.integer } == [2, 3, 4, 5, 6, 6])
    #expect(try follower.next().isEmpty)
    log.event("tick", pipelineID: "p", metadata: ["n": 7])
    await log.flush()
    #expect(try follower.next().map { $0.metadata["n"]?.integer } == [7])
  }

  @Test("a torn last line is cut off by the next writer; a reader passes it over")
  func torn() async throws {
    let place = try Place()
    let log = place.log()
    log.event("one", pipelineID: "p")
    await log.flush()
    let path = place.path + "/logs/events/events.log"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try (whole + whole.prefix(whole.count / 2)).write(to: URL(fileURLWithPath: path))
    #expect(try log.history?.events().map(\.type.rawValue) == ["one"])
    log.event("two", pipelineID: "p")
    await log.flush()
    #expect(
      place.lines("events/events.log").compactMap { Event(jsonLine: $0)?.type.rawValue } == [
        "one", "two",
      ])
    #expect(place.lines("events/events.log").count == 2)
  }

  @Test("files and folders that are deleted or moved under the log are made again")
  func deleted() async throws {
    let place = try Place()
    let log = place.log()
    log.event("one", pipelineID: "p")
    await log.flush()
    try FileManager.default.removeItem(atPath: place.path + "/logs")
    log.event("two", pipelineID: "p")
    await log.flush()
    #expect(place.lines("events/events.log").count == 1)
    #expect(place.reports.withLock { $0 } == [])
  }

  @Test("a folder that cannot be written to is reported once; once it can, the log goes on")
  func unwritable() async throws {
    let place = try Place()
    // Also root cannot make a folder where a file is.
    let blocked = place.path + "/logs"
    try Data().write(to: URL(fileURLWithPath: blocked))
    let log = place.log()
    for number in 0..<50 {
      log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)])
      await log.flush()
    }
    #expect(place.reports.withLock { $0.count } == 1)
    #expect(place.reports.withLock { $0.first?.contains("the work goes on") } == true)
    try FileManager.default.removeItem(atPath: blocked)
    await log.flush()
    #expect(place.lines("events/events.log").count == 50)
  }

  @Test("an entry that finds no room waits for it, and none is lost")
  func room() async throws {
    let place = try Place()
    // A busy machine's disk may take longer than a second.
    let log = place.log(capacity: 8, patience: .seconds(100))
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        group.addTask {
          for number in 0..<500 {
            log.event("tick", pipelineID: "p\(task)", metadata: ["n": EventValue(number)])
          }
        }
      }
    }
    await log.flush()
    let history = try #require(log.history)
    for task in 0..<4 {
      let numbers = try history.events(EventFilter(pipelineID: "p\(task)"))
        .map { $0.metadata["n"]?.integer }
      #expect(numbers == (0..<500).map { Int64($0) })
    }
  }

  @Test("when nothing can be written for long, entries are dropped, counted and the work goes on")
  func stuck() async throws {
    let pipe = Pipe()
    let console = pipe.fileHandleForWriting.fileDescriptor
    let log = EventLog(
      LogDestination(console: LogConsole(format: .json)), now: { 0 }, capacity: 100,
      console: console, report: { _ in })
    let start = ContinuousClock.now
    // A pipe holds 64 KiB: nobody reads, so that most of these find no room.
    for number in 0..<20_000 {
      log.event("tick", pipelineID: "p", metadata: ["n": EventValue(number)])
    }
    #expect(ContinuousClock.now - start < .seconds(20))
    let reader = Task.detached {
      var found: [UInt8] = []
      while !String(decoding: found.suffix(400), as: UTF8.self).contains("\"last\"") {
        found += pipe.fileHandleForReading.availableData
      }
      return String(decoding: found, as: UTF8.self)
    }
    // Room comes when the reader has taken what was there.
    await log.flush()
    log.event("last", pipelineID: "p")
    let events = await reader.value.split(separator: "\n").compactMap {
      Event(jsonLine: String($0))
    }
    let lost = events.filter { $0.type == .eventsLost }
      .reduce(0) { $0 + ($1.metadata["count"]?.integer ?? 0) }
    #expect(lost > 0)
    #expect(lost + Int64(events.count { $0.type == "tick" }) == 20_000)
  }

  @Test("clean-up deletes what is past its retention, and nothing else")
  func retention() async throws {
    let place = try Place()
    let log = place.log()
    log.stageStart(pipelineID: "p", stage: "s")
    log.stageStart(pipelineID: "p", stage: "old")
    log.stageError(pipelineID: "p", stage: "s", error: Trouble())
    await log.flush()
    let old = [
      "events/events.log.2025-09-01", "pipeline.log.3", "errors/errors.log.1", "stages/old.log",
      "stages/old.log.2",
    ]
    let young = ["events/events.log.2025-10-06", "pipeline.log.1"]
    let others = [
      "notes.txt", "events/events.log.bak", "stages/readme.md", "pipeline.log.x",
      // Logs of somebody else, in the folder of stage logs.
      "stages/nginx.log", "stages/nginx.log.1", "stages/old.log.x",
    ]
    let now = Date(timeIntervalSince1970: Double(place.clock.withLock { $0 }) * 1e-9)
    for (names, age) in [(old, 8.0), (young, 6.9), (others, 100), (["pipeline.log"], 100)] {
      for name in names {
        let path = place.path + "/logs/" + name
        try Data("x\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes(
          [.modificationDate: now - age * 86_400], ofItemAtPath: path)
      }
    }
    #expect(await log.cleanUp() == old.count)
    for name in old {
      #expect(!FileManager.default.fileExists(atPath: place.path + "/logs/" + name))
    }
    for name in young + others + ["pipeline.log", "events/events.log"] {
      #expect(FileManager.default.fileExists(atPath: place.path + "/logs/" + name))
    }
    // A stage whose log somebody else began adds to it, and it is somebody else's still.
    log.stageStart(pipelineID: "p", stage: "nginx")
    await log.flush()
    #expect(place.lines("stages/nginx.log").count == 2)
    try FileManager.default.setAttributes(
      [.modificationDate: now - 8 * 86_400.0], ofItemAtPath: place.path + "/logs/stages/nginx.log")
    #expect(await log.cleanUp() == 0)
  }

  @Test("two logs of one process, many tasks, rotating: every event is there once")
  func together() async throws {
    let place = try Place()
    let logs = [place.log { $0.maximumBytes = 20_000 }, place.log { $0.maximumBytes = 20_000 }]
    let start = EventTime.nanoseconds(of: "2025-10-06T00:00:00Z") ?? 0
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<1_000 {
            // Each task walks through four days, at its own pace.
            logs[task % 2].record(
              Event(
                "tick", pipelineID: "p\(task)", metadata: ["n": EventValue(number)],
                time: start + Int64(number) * 345_600_000_000))
          }
        }
      }
    }
    for log in logs { await log.flush() }
    var found: [String: Set<Int64>] = [:]
    var count = 0
    let skipped = try #require(logs[0].history).forEach { event in
      count += 1
      found[event.pipelineID, default: []].insert(event.metadata["n"]?.integer ?? -1)
    }
    #expect(skipped == 0)
    #expect(count == 8_000)
    #expect(found.values.allSatisfy { $0 == Set(0..<1_000) })
  }

  @Test("a million events from four tasks: each is there once, in its task's order")
  func million() async throws {
    let place = try Place()
    // Of lines for people just errors, of which there are none.
    let log = place.log { $0.level = .error }
    let each = 250_000
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        group.addTask {
          let id = "p\(task)"
          for number in 0..<each {
            log.record(Event("tick", pipelineID: id, metadata: ["n": EventValue(number)]))
            // So that there is always room, however slow the machine is.
            if number % 4_000 == 3_999 { await log.flush() }
          }
        }
      }
    }
    log.record(Event("done", pipelineID: "end", metadata: ["n": 0]))
    await log.flush()
    #expect(place.reports.withLock { $0 } == [])
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      """
      import json, sys
      next_of, bad = {}, 0
      for line in open(sys.argv[1]):
          event = json.loads(line)
          task, number = event["pipeline_id"], event["metadata"]["n"]
          bad += next_of.get(task, 0) != number
          next_of[task] = number + 1
      print(bad, sorted(next_of.items()))
      """, place.path + "/logs/events/events.log",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let tasks = (0..<4).map { ", ('p\($0)', \(each))" }.joined()
    #expect(said == "0 [('end', 1)\(tasks)]\n")
    let found = try #require(log.history).events(EventFilter(type: "done"))
    #expect(found.map(\.pipelineID) == ["end"])
  }
}
