import Foundation
import Testing

@testable import Cairn

@Suite struct EventHistoryTests {
  private func history(_ folder: TemporaryFolder) -> EventHistory {
    EventHistory(folder: folder.url.path)
  }

  private func line(
    _ type: EventType, _ time: String, _ id: String = "p", stage: String? = nil,
    _ status: EventStatus = .info, _ metadata: EventMetadata = [:]
  ) -> String {
    Event(
      type, pipelineID: id, stage: stage, status: status, metadata: metadata,
      time: EventTime.nanoseconds(of: time)
    ).jsonLine() + "\n"
  }

  @Test("events are found by pipeline, type, status, stage and hours, oldest first")
  func filters() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "events.log.2025-10-06",
      line(.stageStart, "2025-10-06T10:00:00Z", stage: "a")
        + line(.stageStart, "2025-10-06T23:00:00Z", "q", stage: "a"))
    _ = try folder.file(
      "events.log",
      line(.stageError, "2025-10-07T09:30:00Z", stage: "b", .error)
        // Written by somebody else, with spaces, another offset and another order.
        + #"{"event_type": "stage_start", "pipeline_id": "p", "timestamp": "2025-10-07T11:00:00+02:00"}"#
        + "\nnot JSON\n\n" + line(.stageComplete, "2025-10-07T10:00:00Z", stage: "b", .success)
        + #"{"timestamp":"2025-10-07T11:00:00.0000"#)
    let history = history(folder)
    let now = try #require(EventTime.nanoseconds(of: "2025-10-07T10:00:00Z"))
    #expect(
      try history.recent(now: now).map(\.type.rawValue) == [
        "stage_start", "stage_start", "stage_start", "stage_error", "stage_complete",
      ])
    #expect(try history.recent(hours: 23.9, now: now).count == 4)
    #expect(try history.recent(pipelineID: "q", now: now).map(\.stage) == ["a"])
    #expect(try history.recent(type: .stageError, now: now).map(\.stage) == ["b"])
    #expect(
      try history.recent(pipelineID: "p", hours: 1, now: now).map(\.type) == [
        .stageStart, .stageError, .stageComplete,
      ])
    #expect(try history.events(EventFilter(stage: "b", status: .success)).count == 1)
    #expect(try history.events(limit: 2).map(\.type) == [.stageError, .stageComplete])
    #expect(try history.forEach { _ in } == 1)
  }

  @Test("the summary of a pipeline is the seeds'")
  func summary() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "events.log",
      line(.pipelineStart, "2025-10-07T10:00:00Z")
        + line(.stageStart, "2025-10-07T10:00:01Z", stage: "extract")
        + line(.stageStart, "2025-10-07T10:00:01Z", "other", stage: "x")
        + line(.checkpointSaved, "2025-10-07T10:00:02Z", stage: "extract", .success)
        + line(.stageComplete, "2025-10-07T10:00:02Z", stage: "extract", .success)
        + line(
          .performanceMetric, "2025-10-07T10:00:02Z", stage: "extract", .info,
          ["duration_seconds": 0.5])
        + line(.stageStart, "2025-10-07T10:00:03Z", stage: "clean")
        + line(
          .dataQualityCheck, "2025-10-07T10:00:03Z", stage: "clean", .warning,
          ["reason": "much missing"])
        + line(.stageError, "2025-10-07T10:00:04Z", stage: "clean", .error, ["error": "broken"])
        + line(.pipelineError, "2025-10-07T10:00:05Z", .error, ["error": "broken"])
        + line(.pipelineResume, "2025-10-07T11:00:00Z")
        + line(.stageSkip, "2025-10-07T11:00:00Z", stage: "extract", .success)
        + line(.stageStart, "2025-10-07T11:00:01Z", stage: "clean"))
    let summary = try history(folder).summary(of: "p")
    #expect(summary.totalEvents == 12)
    #expect(summary.standing == "running")
    #expect(summary.attempts == 2)
    #expect(summary.stagesCompleted == ["extract"])
    #expect(summary.stagesUnderWay == ["clean"])
    #expect(summary.checkpoints == 1)
    #expect(summary.stageSeconds == ["extract": 0.5])
    #expect(summary.errors.map(\.error) == ["broken", "broken"])
    #expect(summary.errors.first?.stage == "clean")
    #expect(summary.warnings.map(\.error) == ["much missing"])
    #expect(summary.firstEvent == "2025-10-07T10:00:00.000000Z")
    #expect(summary.lastEvent == "2025-10-07T11:00:01.000000Z")
    #expect(try history(folder).summary(of: "nobody").totalEvents == 0)
  }

  private func line(
    _ type: EventType, _ time: String, _ status: EventStatus, _ metadata: EventMetadata
  ) -> String { line(type, time, "p", stage: nil, status, metadata) }

  @Test("performance by stage: sums, ranks, the longest first")
  func performance() throws {
    let folder = try TemporaryFolder()
    var text = line(
      .performanceMetric, "2025-10-07T10:00:00Z", stage: "long", .info, ["duration_seconds": 99])
    for second in 1...20 {
      text += line(
        .performanceMetric, "2025-10-07T10:00:00Z", stage: "short", .info,
        ["duration_seconds": EventValue(second * 7 % 20 + 1)])
    }
    text += line(.performanceMetric, "2025-10-07T10:00:00Z", stage: "none")
    _ = try folder.file("events.log", text)
    let found = try history(folder).performance()
    #expect(found.map(\.stage) == ["short", "long"])
    // 1…20, each once.
    #expect(found[0].count == 20 && found[0].totalSeconds == 210 && found[0].meanSeconds == 10.5)
    #expect(found[0].minimumSeconds == 1 && found[0].maximumSeconds == 20)
    #expect(found[0].medianSeconds == 10 && found[0].percentile95Seconds == 19)
    #expect(found[1].medianSeconds == 99 && found[1].percentile95Seconds == 99)
  }

  @Test("a follower sees each new event once, across rotation, a torn line and a late beginning")
  func follow() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "events.log").path
    var follower = try EventFollower(history(folder))
    #expect(try follower.next().isEmpty)
    func append(_ text: String) throws {
      let known = FileManager.default.contents(atPath: path) ?? Data()
      // In place: another file would be another log.
      if !FileManager.default.fileExists(atPath: path) {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
      }
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.seek(toOffset: UInt64(known.count))
      try file.write(contentsOf: Data(text.utf8))
      try file.close()
    }
    func names() throws -> [String] { try follower.next().map(\.type.rawValue) }
    let time = "2025-10-07T10:00:00Z"
    try append(line("a", time) + line("b", time))
    #expect(try names() == ["a", "b"])
    let third = line("c", time)
    try append(String(third.prefix(20)))
    #expect(try names() == [])
    try append(String(third.dropFirst(20)))
    #expect(try names() == ["c"])
    // A killed writer's torn line is cut off by the next writer.
    try append("{\"timestamp\":")
    #expect(try names() == [])
    let whole = try #require(FileManager.default.contents(atPath: path)).count - 13
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: UInt64(whole))
    try append(line("d", time))
    #expect(try names() == ["d"])
    try append(line("e", time))
    try FileManager.default.moveItem(atPath: path, toPath: path + ".2025-10-07")
    try append(line("f", time))
    #expect(try names() == ["e", "f"])
    #expect(try names() == [])
  }

  @Test("a follower starts with what comes after it")
  func later() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("events.log", line("old", "2025-10-07T10:00:00Z"))
    var follower = try EventFollower(history(folder))
    #expect(try follower.next().isEmpty)
  }
}
