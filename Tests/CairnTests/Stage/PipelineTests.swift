import Cairn
import CairnTesting
import Foundation
import Synchronization
import Testing

/// Counts how often bodies ran, by name.
final class Bodies: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  @discardableResult
  func ran(_ name: String) -> Int {
    counts.withLock { counts in
      counts[name, default: 0] += 1
      return counts[name] ?? 0
    }
  }

  var all: [String: Int] { counts.withLock { $0 } }
}

struct Broken: Error, Equatable {
  var why = "broken"
}

@Suite struct PipelineTests {
  /// A pipeline of four stages that fails in one of them, if it is told to.
  private func run(
    _ place: CheckpointPlace, _ bodies: Bodies, failingIn broken: String? = nil,
    input: [String] = ["AAPL"], id: String? = nil, versions: [String: Int] = [:],
    settings: PipelineSettings = PipelineSettings()
  ) async throws -> Int64 {
    try await place.pipelines(settings).run("stocks", input: input, id: id) { run in
      let raw = try await run.stage("extract", version: versions["extract"] ?? 1) {
        bodies.ran("extract")
        if broken == "extract" { throw Broken() }
        return try prices()
      }
      let clean = try await run.stage("validate", version: versions["validate"] ?? 1) {
        bodies.ran("validate")
        if broken == "validate" { throw Broken() }
        return raw.selecting(rows: (0..<200).map { UInt32($0) })
      }
      let sum = try await run.stage("sum", version: versions["sum"] ?? 1) {
        bodies.ran("sum")
        if broken == "sum" { throw Broken() }
        return try clean.column("volume", as: Int64.self).compactMap(\.self).reduce(0, +)
      }
      try await run.stage("report") {
        bodies.ran("report")
        if broken == "report" { throw Broken() }
      }
      return sum
    }
  }

  private static let sum: Int64 = 31 * 199 * 100

  @Test(arguments: ["extract", "validate", "sum", "report"])
  func `a failed pipeline goes on with the stage that failed`(_ broken: String) async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: broken) }
    let execution = try await place.checkpoints().registry.executions(of: "stocks").first
    #expect(execution?.status == .failed && execution?.error?.contains("broken") == true)
    #expect(try await run(place, bodies) == Self.sum)
    for (name, count) in bodies.all { #expect(count == (name == broken ? 2 : 1), "\(name)") }
    let all = try await place.checkpoints().registry.executions(of: "stocks")
    #expect(all.count == 1 && all.first?.status == .completed && all.first?.attempt == 2)
  }

  @Test func `the next call after a complete one is a new execution`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    _ = try await run(place, bodies)
    place.pass(.seconds(60))
    _ = try await run(place, bodies)
    #expect(bodies.all.values.allSatisfy { $0 == 2 })
    #expect(Set(try await place.checkpoints().list().map(\.pipelineID)).count == 2)
  }

  @Test func `a program's own id is gone on with, complete or not`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    #expect(try await run(place, bodies, id: "2025-10-07") == Self.sum)
    #expect(try await run(place, bodies, id: "2025-10-07") == Self.sum)
    #expect(bodies.all.values.allSatisfy { $0 == 1 })
    #expect(place.files.contains { $0.hasPrefix("pipeline_2025-10-07_stage_extract_") })
    // With another input nothing of it may be used.
    #expect(try await run(place, bodies, input: ["MSFT"], id: "2025-10-07") == Self.sum)
    #expect(bodies.all.values.allSatisfy { $0 == 2 })
    #expect(place.log.contains { $0.contains("the pipeline's input was") })
  }

  @Test func `another input is another execution`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "sum") }
    _ = try await run(place, bodies, input: ["MSFT"])
    #expect(bodies.all["extract"] == 2)
    // The first one is still there to be gone on with.
    _ = try await run(place, bodies)
    #expect(bodies.all["extract"] == 2 && bodies.all["sum"] == 3)
  }

  @Test func `a raised version runs the stage and what came after it`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "report") }
    _ = try await run(place, bodies, versions: ["sum": 2])
    // The sum came out the same, so that what is after it would have been kept, had it been done.
    #expect(bodies.all == ["extract": 1, "validate": 1, "sum": 2, "report": 2])
    #expect(place.log.contains { $0.contains("stage=sum") && $0.contains("was 1 and is 2") })
  }

  @Test func `a stage that runs again and gives the same leaves what came after it`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "report") }
    _ = try await run(place, bodies, versions: ["extract": 2])
    #expect(bodies.all == ["extract": 2, "validate": 1, "sum": 1, "report": 2])
  }

  @Test func `a damaged stage runs again, and the bad file is kept`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "report") }
    let bad = try #require(place.files.first { $0.contains("_stage_validate_") })
    try place.damage("checkpoints/" + bad, at: 30)
    #expect(try await run(place, bodies) == Self.sum)
    #expect(bodies.all == ["extract": 1, "validate": 2, "sum": 1, "report": 2])
    #expect(place.names().contains(bad + ".damaged"))
    #expect(place.log.contains { $0.contains("damaged") })
  }

  @Test func `settings switch saving and resuming off`() async throws {
    let place = try CheckpointPlace()
    let off = Bodies()
    for _ in 1...2 {
      let settings = PipelineSettings(isEnabled: false)
      #expect(try await run(place, off, settings: settings) == Self.sum)
    }
    #expect(place.names("") == [] && off.all["extract"] == 2)

    let fresh = Bodies()
    let noResume = PipelineSettings(autoResume: false)
    await #expect(throws: Broken()) {
      try await run(place, fresh, failingIn: "sum", settings: noResume)
    }
    _ = try await run(place, fresh, settings: noResume)
    #expect(fresh.all["extract"] == 2)

    let unsaved = Bodies()
    let few = PipelineSettings(savesAfterEachStage: false)
    let pipelines = Pipelines(checkpoints: place.checkpoints("few"), settings: few)
    for attempt in 1...2 {
      try? await pipelines.run("few") { run in
        let a = try await run.stage("cheap") { unsaved.ran("cheap") }
        let b = try await run.stage("dear", saves: true) { unsaved.ran("dear") + a }
        if attempt == 1 { throw Broken() }
        #expect(b == 2)
      }
    }
    #expect(unsaved.all == ["cheap": 2, "dear": 1])
  }

  @Test func `a stream is saved as it goes and comes back batch by batch`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    for attempt in 1...2 {
      try? await place.pipelines().run("stream") { run in
        let batches = try await run.stage("extract") { writer in
          bodies.ran("extract")
          for seed in 0..<5 { try await writer.write(try prices(100, seed: seed)) }
        }
        #expect(batches.rowCount == 500 && batches.batchCount == 5)
        var seed = 0
        for try await batch in batches {
          #expect(expectSame(batch, try prices(100, seed: seed)))
          seed += 1
        }
        #expect(seed == 5)
        if attempt == 1 { throw Broken() }
      }
    }
    #expect(bodies.all == ["extract": 1])
    // All of it can be had at once, too.
    let id = try #require(try await place.checkpoints().list().first?.id)
    let loaded = try await place.checkpoints().load(id)
    let whole = try loaded.rows()
    #expect(whole.rowCount == 500)
    #expect(whole.checkpointDigest == loaded.state.dataHash)
    // A stream of nothing.
    try await place.pipelines().run("empty") { run in
      let none = try await run.stage("none") { (_: StageWriter) in }
      #expect(none.batchCount == 0)
    }
    // One whose batches differ in their columns.
    await #expect(throws: CheckpointError.self) {
      try await place.pipelines().run("odd") { run in
        _ = try await run.stage("odd") { writer in
          try await writer.write(try prices(5))
          try await writer.write(try everyType())
        }
      }
    }
    #expect(place.names().allSatisfy { !$0.hasSuffix(".tmp") })
  }

  @Test func `a stream that is not saved leaves nothing behind`() async throws {
    let place = try CheckpointPlace()
    let settings = PipelineSettings(isEnabled: false)
    let rows = try await place.pipelines(settings).run("stream") { run in
      let batches = try await run.stage("extract") { writer in
        for seed in 0..<5 { try await writer.write(try prices(100, seed: seed)) }
      }
      var rows = 0
      for try await batch in batches { rows += batch.rowCount }
      return rows
    }
    #expect(rows == 500)
    #expect(place.names() == [])
  }

  @Test func `bodies use the state of the caller's actor`() async throws {
    let place = try CheckpointPlace()
    let counter = Counter(pipelines: place.pipelines())
    #expect(try await counter.count() == 3)
    @MainActor func onMain() async throws -> Int {
      var local = 0
      return try await place.pipelines().run("main") { run in
        try await run.stage("a", deadline: .seconds(60)) {
          MainActor.assertIsolated()
          local += 1
        }
        try await run.stage("b", retry: StageRetry(attempts: 2)) {
          MainActor.assertIsolated()
          local += 1
        }
        return local
      }
    }
    #expect(try await onMain() == 2)
  }

  private actor Counter {
    let pipelines: Pipelines
    var value = 0

    init(pipelines: Pipelines) { self.pipelines = pipelines }

    func count() async throws -> Int {
      try await pipelines.run("counter") { run in
        try await run.stage("one") { value += 1 }
        try await run.stage("two", deadline: .seconds(60)) { value += 1 }
        let stream = try await run.stage("three") { writer in
          value += 1
          try await writer.write(try prices(value))
        }
        return stream.rowCount
      }
    }
  }

  @Test func `nested stages and stages of a task group are done once`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    for attempt in 1...3 {
      try? await place.pipelines().run("group") { run in
        let all = try await run.stage("fetch all") {
          let parts = try await withThrowingTaskGroup(of: [Int].self) { group in
            for number in 0..<12 {
              group.addTask {
                let fetched = try await run.stage("fetch \(number)") {
                  bodies.ran("fetch \(number)")
                  try await Task.sleep(for: .milliseconds(number % 3))
                  return [number]
                }
                return try await run.stage("parse \(number)") {
                  bodies.ran("parse \(number)")
                  return fetched + [number]
                }
              }
            }
            return try await group.reduce(into: []) { $0 += $1 }
          }
          bodies.ran("fetch all")
          if attempt == 1 { throw Broken() }
          return parts.sorted()
        }
        #expect(all.count == 24)
        let after = try await run.stage("after") {
          bodies.ran("after")
          return all.count
        }
        if attempt == 2 { throw Broken() }
        #expect(after == 24)
      }
    }
    #expect(bodies.all.removeValue("fetch all") == 2)
    #expect(bodies.all.count == 26)
    for (name, count) in bodies.all where name != "fetch all" { #expect(count == 1, "\(name)") }
    let names = try await place.checkpoints().list().map(\.stage)
    #expect(names.contains("fetch all/fetch 7") && names.contains("after"))
  }

  @Test func `killed amid a group, only what was not done runs`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    for attempt in 1...2 {
      try? await place.pipelines().run("group") { run in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              try await run.stage("s\(number)") {
                bodies.ran("s\(number)")
                if attempt == 1, number % 2 == 1 {
                  // The others get done first.
                  try await Task.sleep(for: .milliseconds(80))
                  throw Broken()
                }
              }
            }
          }
          while let result = await group.nextResult() {
            if case .failure(let error) = result { throw error }
          }
        }
        try await run.stage("end") { bodies.ran("end") }
      }
    }
    for number in 0..<8 { #expect(bodies.all["s\(number)"] == (number % 2 == 1 ? 2 : 1)) }
    #expect(bodies.all["end"] == 1)
  }

  @Test func `two stages of one name are refused`() async throws {
    let place = try CheckpointPlace()
    let error = await #expect(throws: PipelineError.self) {
      try await place.pipelines().run("twice") { run in
        _ = try await run.stage("a") { 1 }
        _ = try await run.stage("a") { 2 }
      }
    }
    #expect("\(try #require(error))".contains("two stages named 'a'"))
  }

  @Test func `errors are tried again by their class`() async throws {
    struct Away: ClassifiedError { var errorClass: ErrorClass { .transient } }
    let place = try CheckpointPlace()
    let bodies = Bodies()
    let run = try await place.pipelines().run("retry") { run in
      try await run.stage("flaky", retry: StageRetry(attempts: 4)) {
        _ = try await run.stage("within") { bodies.ran("within") }
        if bodies.ran("flaky") < 3 { throw Away() }
      }
      return run
    }
    #expect(bodies.all == ["flaky": 3, "within": 1])
    #expect(run.reports.map(\.tries) == [1, 0, 0, 3])
    for (error, expected) in [(Away() as any Error, 2), (Broken(), 1), (CancellationError(), 1)] {
      let tries = Bodies()
      await #expect(throws: (any Error).self) {
        try await place.pipelines().run("fails", input: "\(error)") { run in
          try await run.stage("s", retry: StageRetry(attempts: 2)) {
            tries.ran("s")
            throw error
          }
        }
      }
      #expect(tries.all["s"] == expected, "\(error)")
    }
    // A program's own classes.
    let mine = Bodies()
    let retry = StageRetry(attempts: 2, classes: [.data]) { $0 is Broken ? .data : .fatal }
    try await place.pipelines().run("mine") { run in
      try await run.stage("s", retry: retry) { if mine.ran("s") == 1 { throw Broken() } }
    }
    #expect(mine.all["s"] == 2)
  }

  @Test func `a stage that takes too long is cancelled and can be run again`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    for attempt in 1...2 {
      do {
        try await place.pipelines().run("slow") { run in
          _ = try await run.stage("quick") { bodies.ran("quick") }
          try await run.stage(
            "slow", retry: StageRetry(attempts: 5), deadline: .milliseconds(60)
          ) {
            bodies.ran("slow")
            if attempt == 1 { try await Task.sleep(for: .seconds(60)) }
          }
        }
        #expect(attempt == 2)
      } catch PipelineError.stageDeadline(let stage, let limit) {
        #expect(attempt == 1 && stage == "slow" && limit == .milliseconds(60))
      }
    }
    #expect(bodies.all == ["quick": 1, "slow": 2])
    #expect(!Task.isCancelled)
  }

  @Test func `an error for whose second try there is no time is what is told`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    let start = ContinuousClock.now
    await #expect(throws: Broken()) {
      try await place.pipelines().run("late") { run in
        try await run.stage(
          "fetch",
          retry: StageRetry(
            attempts: 5, minimumBackoff: .seconds(3_600), maximumBackoff: .seconds(3_600),
            classify: { _ in .transient }), deadline: .seconds(600)
        ) {
          bodies.ran("fetch")
          throw Broken()
        }
      }
    }
    #expect(bodies.all == ["fetch": 1] && ContinuousClock.now - start < .seconds(600))
  }

  @Test func `a stage without a value that ran again counts as another one`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    func run(version: Int, failing: Bool) async throws {
      try await place.pipelines().run("void") { run in
        try await run.stage("download", version: version) { _ = bodies.ran("download") }
        _ = try await run.stage("count") { bodies.ran("count") }
        if failing { throw Broken() }
      }
    }
    await #expect(throws: Broken()) { try await run(version: 1, failing: true) }
    await #expect(throws: Broken()) { try await run(version: 1, failing: true) }
    #expect(bodies.all == ["download": 1, "count": 1])
    await #expect(throws: Broken()) { try await run(version: 2, failing: true) }
    #expect(bodies.all == ["download": 2, "count": 2])
    try await run(version: 2, failing: false)
    #expect(bodies.all == ["download": 2, "count": 2])
  }

  @Test func `of two that run one pipeline at once one is told who has it`() async throws {
    let place = try CheckpointPlace()
    try await place.pipelines().run("one", input: 1) { _ in
      let error = await #expect(throws: PipelineError.self) {
        try await place.pipelines().run("one", input: 1) { _ in }
      }
      #expect("\(try #require(error))".contains("process \(getpid()) on"))
      // Another input and another pipeline are others.
      try await place.pipelines().run("one", input: 2) { _ in }
      try await place.pipelines().run("two", input: 1) { _ in }
    }
    try await place.pipelines().run("one", input: 1) { _ in }
  }

  @Test func `old checkpoints are deleted at the end of each pipeline`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    _ = try await run(place, bodies)
    place.pass(.seconds(8 * 86_400))
    try? await place.pipelines().run("other") { run in
      try await run.stage("s") {}
      throw Broken()
    }
    #expect(try await place.checkpoints().list().map(\.stage) == ["s"])
    #expect(place.files.count == 1)
    #expect(try await place.checkpoints().registry.executions(of: nil).map(\.pipeline) == ["other"])
  }

  @Test func `a pipeline that runs for long keeps its own checkpoints`() async throws {
    let place = try CheckpointPlace()
    try await place.pipelines().run("long") { run in
      try await run.stage("first") {}
      place.pass(.seconds(8 * 86_400))
      // Another one ends meanwhile and tidies.
      try await place.pipelines().run("short") { _ in }
      #expect(try await place.checkpoints().list().map(\.stage) == ["first"])
    }
  }

  @Test func `a clock that goes back between attempts changes nothing`() async throws {
    let place = try CheckpointPlace()
    let bodies = Bodies()
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "sum") }
    place.pass(.seconds(-86_400))
    await #expect(throws: Broken()) { try await run(place, bodies, failingIn: "report") }
    place.pass(.seconds(-86_400))
    #expect(try await run(place, bodies) == Self.sum)
    #expect(bodies.all == ["extract": 1, "validate": 1, "sum": 2, "report": 2])
  }

  @Test func `what is saved as another type runs again`() async throws {
    let place = try CheckpointPlace()
    for attempt in 1...2 {
      try? await place.pipelines().run("value") { run in
        if attempt == 1 {
          _ = try await run.stage("value") { "text" }
          throw Broken()
        }
        #expect(try await run.stage("value") { [1, 2] } == [1, 2])
      }
      try? await place.pipelines().run("rows") { run in
        if attempt == 1 {
          _ = try await run.stage("rows") { 5 }
          throw Broken()
        }
        #expect(try await run.stage("rows") { try prices(3) }.rowCount == 3)
      }
    }
    #expect(place.log.count { $0.contains("another type") } == 2)
  }
}

extension [String: Int] {
  fileprivate func removeValue(_ key: String) -> Int? { self[key] }
}
