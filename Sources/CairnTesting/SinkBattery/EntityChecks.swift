internal import Cairn

/// Entity batches: rows, marks, leases and the history of attempts.
enum EntityChecks {
  static let all = [
    SinkCheck("a sink without state has no checkpoints and no history") { place in
      let sink = try await entitySink(place)
      try expect(
        "checkpoints", try await sink.entityCheckpoints(EntityCheckpointFilter()), is: [])
      try expect("history", try await sink.entityAttempts(EntityAttemptFilter()), is: [])
      try expect(
        "what is cleaned", try await sink.removeEntityCheckpoints(olderThan: .zero), is: [])
    },

    SinkCheck("a run over entities is listed with all that was known when it began") { place in
      let run = try await EntityRun.begin(at: place)
      let found = try await run.checkpoint()
      try expect("what was recorded", found.new, is: run.new)
      try expect("done", found.completed, is: CompletedRanges())
      try expect("last entity", found.lastEntityID, is: "")
      try expect("total", found.total, is: 6)
      try expect("attempt", found.attempt, is: 1)
      try expect("key", found.key, is: "stats:2025-01-29")
      try expect("holder", found.holder?.owner, is: Scripted.owner)
      try expect("whether it is open", found.isOpen, is: true)
      guard found.age >= .zero, found.age < .seconds(60) else {
        throw BatteryFailure("age", expected: "some milliseconds", found: "\(found.age)")
      }
    },

    SinkCheck("of many that begin on a partition at once one begins") { place in
      try await entitySink(place).prepareState()
      let outcomes = try await withThrowingTaskGroup(of: EntityBeginOutcome.self) { group in
        for number in 1...6 {
          group.addTask {
            try await entitySink(place).beginEntities(
              EntityRun.new(number), replacing: nil, unlessCompleted: true,
              owner: Scripted.owner, leaseDuration: .seconds(60))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let began = outcomes.compactMap { if case .began(let it, _) = $0 { it.syncID } else { nil } }
      let found = outcomes.compactMap { if case .exists(let it) = $0 { it.syncID } else { nil } }
      try expect("how many began", began.count, is: 1)
      try expect("what the others found", found, is: Array(repeating: began[0], count: 5))
    },

    SinkCheck("rows and mark of a batch are committed together, and the next goes on from there") {
      place in
      var run = try await EntityRun.begin(at: place)
      let state = StoredState(digest: "d", size: 3, bytes: [0, 255, 39])
      let outcome = try await run.commit(
        0..<2, rows: [Scripted.cells("a", 1), Scripted.cells("b", 2)], state: state)
      guard case .committed(let counts, _) = outcome else {
        throw BatteryFailure("a commit", expected: "committed", found: "\(outcome)")
      }
      try expect("counts", counts, is: Scripted.counts(rows: 2, inserted: 2))
      let first = try await run.checkpoint()
      try expect("done", first.completed.description, is: "0-1")
      try expect("last entity", first.lastEntityID, is: "e1")
      try expect("digest", first.prefixDigest, is: "prefix 2")
      try expect("state", first.state, is: state)
      try expect("target", first.target, is: "target")
      try await run.commit(
        2..<4, rows: [Scripted.cells("b", 3), Scripted.cells("c", 3)], state: nil)
      let second = try await run.checkpoint()
      try expect("done", second.completed.count, is: 4)
      try expect("state", second.state, is: nil)
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 1), Scripted.cells("b", 3), Scripted.cells("c", 3)],
        at: place)
    },

    SinkCheck("a mark alone, and one with gaps") { place in
      var run = try await EntityRun.begin(at: place)
      try await run.commit(4..<6)
      try await run.commit(0..<1)
      let found = try await run.checkpoint()
      try expect("done", found.completed.description, is: "0-0,4-5")
      try expect("last entity without a gap", found.lastEntityID, is: "e0")
      try await expectRefusal("the end of a run with gaps", "incomplete") {
        try await run.end(.completed)
      } _: {
        $0.isIncomplete
      }
      try await run.commit(1..<4)
      try await run.end(.completed)
      try expect(
        "checkpoints", try await run.sink.entityCheckpoints(EntityCheckpointFilter()), is: [])
    },

    SinkCheck("a mark that is there already is recognised, and rows are not written twice") {
      place in
      var run = try await EntityRun.begin(at: place, mode: .append)
      let before = run
      try await run.commit(0..<2, rows: [Scripted.cells("a", 1)])
      var again = before
      let outcome = try await again.commit(0..<2, rows: [Scripted.cells("a", 1)])
      guard case .alreadyCommitted = outcome else {
        throw BatteryFailure("the same again", expected: "alreadyCommitted", found: "\(outcome)")
      }
      try await Scripted.expectRows(run.target, [Scripted.cells("a", 1)], at: place)
      // One that expects other entities to be done than the sink knows of.
      var ahead = run
      ahead.completed.insert(2..<3)
      let refused = try await ahead.commit(3..<4, rows: [Scripted.cells("b", 1)])
      guard case .behind(let found) = refused else {
        throw BatteryFailure("a mark that is ahead", expected: "behind", found: "\(refused)")
      }
      try expect("what the sink has", found.description, is: "0-1")
      try await Scripted.expectRows(run.target, [Scripted.cells("a", 1)], at: place)
    },

    SinkCheck("a row that the database refuses leaves neither rows nor mark") { place in
      var run = try await EntityRun.begin(at: place)
      // Without a key.
      let rows = [Scripted.cells("a", 1), [.null, .integer(2), .null]]
      try await expectRefusal("a row without a key", "tooManyRejects") {
        try await run.commit(0..<2, rows: rows)
      } _: { error in
        guard case .tooManyRejects(1, let sample) = error else { return false }
        return sample.first?.row == 1
      }
      try expect("done", try await run.checkpoint().completed.count, is: 0)
      try await Scripted.expectRows(run.target, [], at: place)
    },

    SinkCheck("modes: append, insert_only") { place in
      var append = try await EntityRun.begin(at: place, table: "appended", mode: .append)
      try await append.commit(0..<1, rows: [Scripted.cells("a", 1)])
      try await append.commit(1..<2, rows: [Scripted.cells("a", 1)])
      try await Scripted.expectRows(
        append.target, [Scripted.cells("a", 1), Scripted.cells("a", 1)], at: place)
      var only = try await EntityRun.begin(
        2, at: place, table: "inserted", mode: .insertOnly, partition: "other")
      try await only.commit(0..<1, rows: [Scripted.cells("a", 1)])
      let outcome = try await only.commit(
        1..<2, rows: [Scripted.cells("a", 2), Scripted.cells("b", 2)])
      guard case .committed(let counts, _) = outcome else {
        throw BatteryFailure("a commit", expected: "committed", found: "\(outcome)")
      }
      try expect("counts", counts, is: Scripted.counts(rows: 2, inserted: 1, kept: 1))
      try await Scripted.expectRows(
        only.target, [Scripted.cells("a", 1), Scripted.cells("b", 2)], at: place)
    },

    SinkCheck("a partition is replaced with the end of the run, and not before") { place in
      let target = Scripted.target(.append, name: "days", key: [])
      let sink = try await entitySink(place)
      try await sink.prepareState()
      _ = try await sink.prepareTarget(target)
      var old = try await EntityRun.begin(at: place, table: "days", mode: .append)
      try await old.commit(
        0..<6,
        rows: [
          Scripted.cells("a", 1, "monday"), Scripted.cells("b", 1, "monday"),
          Scripted.cells("c", 1, "sunday"),
        ])
      try await old.end(.completed)
      let before = [
        Scripted.cells("a", 1, "monday"), Scripted.cells("b", 1, "monday"),
        Scripted.cells("c", 1, "sunday"),
      ]
      var run = try await EntityRun.begin(2, at: place, table: "days", mode: .replace, key: [])
      try await run.commit(0..<3, rows: [Scripted.cells("a", 2, "monday")])
      try await run.commit(3..<6, rows: [Scripted.cells("d", 2, "monday")])
      try await Scripted.expectRows(target, before, at: place, "rows before the end")
      try await run.end(
        .completed,
        replacement: PartitionReplacement(
          table: "days", column: "note", value: "monday", columns: ["id", "n", "note"]))
      try await Scripted.expectRows(
        target,
        [
          Scripted.cells("a", 2, "monday"), Scripted.cells("d", 2, "monday"),
          Scripted.cells("c", 1, "sunday"),
        ], at: place, "rows after the end")
      // One without rows empties the partition.
      var empty = try await EntityRun.begin(3, at: place, table: "days", mode: .replace, key: [])
      try await empty.commit(0..<6)
      try await empty.end(
        .completed,
        replacement: PartitionReplacement(
          table: "days", column: "note", value: "monday", columns: []))
      try await Scripted.expectRows(
        target, [Scripted.cells("c", 1, "sunday")], at: place, "rows after an empty run")
    },

    SinkCheck("a run that was killed is gone on with, and its fence rises") { place in
      var dead = LeaseOwner.current()
      dead.pid = .max
      var run = try await EntityRun.begin(at: place, owner: dead)
      try await run.commit(0..<2, rows: [Scripted.cells("a", 1)])
      let outcome = try await run.sink.acquireEntities(
        of: run.new.syncID, owner: .current(), duration: .seconds(60), takeOver: false)
      guard case .acquired(let lease, let checkpoint) = outcome else {
        throw BatteryFailure("the run of a dead owner", expected: "acquired", found: "\(outcome)")
      }
      try expect("fence", lease.fence, is: 2)
      try expect("attempt", checkpoint.attempt, is: 2)
      try expect("done before", checkpoint.completedBefore, is: 2)
      try await expectRefusal("a commit of the dead owner", "fenced") {
        try await run.commit(2..<3, rows: [Scripted.cells("b", 1)])
      } _: {
        $0.isFenced
      }
      try await expectRefusal("the end of the dead owner's attempt", "fenced") {
        try await run.end(.failed)
      } _: {
        $0.isFenced
      }
      let held = try await entitySink(place).acquireEntities(
        of: run.new.syncID, owner: Scripted.otherOwner, duration: .seconds(60), takeOver: false)
      guard case .held(let holder) = held else {
        throw BatteryFailure("a held run", expected: "held", found: "\(held)")
      }
      try expect("holder", holder.owner, is: LeaseOwner.current())
      run.lease = lease
      try await run.commit(2..<6, rows: [Scripted.cells("b", 1)])
      try await run.end(.completed)
      let history = try await run.sink.entityAttempts(EntityAttemptFilter())
      try expect("endings", history.map(\.ending), is: [.completed, .crashed])
      try expect("saved", history.map(\.entitiesSaved), is: [2, 0])
      try expect("completed", history.map(\.entitiesCompleted), is: [6, 2])
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 1), Scripted.cells("b", 1)], at: place)
    },

    SinkCheck("a lease that is taken over commits no more, in a transaction of one's own either") {
      place in
      var run = try await EntityRun.begin(at: place)
      let statement = run.sink.markStatement(for: run.mark(0..<2), under: run.lease)
      guard statement.sql.contains("processing_checkpoints"), statement.parameters.count == 17
      else {
        throw BatteryFailure("the statement", expected: "17 parameters", found: statement.sql)
      }
      let outcome = try await entitySink(place).acquireEntities(
        of: run.new.syncID, owner: Scripted.otherOwner, duration: .seconds(60), takeOver: true)
      guard case .acquired = outcome else {
        throw BatteryFailure("taking over", expected: "acquired", found: "\(outcome)")
      }
      try await expectRefusal("a mark alone", "fenced") {
        try await run.commit(0..<2)
      } _: {
        $0.isFenced
      }
      try await expectRefusal("a failure to record", "fenced") {
        try await run.sink.recordEntityFailure("x", under: run.lease)
      } _: {
        $0.isFenced
      }
    },

    SinkCheck("failures in a row are counted, and a commit forgets them") { place in
      var run = try await EntityRun.begin(at: place)
      try await run.sink.recordEntityFailure("no answer", under: run.lease)
      try await run.sink.recordEntityFailure("still none", under: run.lease)
      let failed = try await run.checkpoint()
      try expect("failures", failed.failuresInARow, is: 2)
      try expect("error", failed.error, is: "still none")
      guard let age = failed.failureAge, age >= .zero, age < .seconds(60) else {
        throw BatteryFailure("age", expected: "some ms", found: "\(failed.failureAge as Any)")
      }
      try await run.commit(0..<1)
      let after = try await run.checkpoint()
      try expect("failures after a commit", after.failuresInARow, is: 0)
      try expect("error after a commit", after.error, is: nil)
    },

    SinkCheck("an attempt that says how it ended is gone on with and told in the history") {
      place in
      var run = try await EntityRun.begin(at: place)
      try await run.commit(0..<3)
      try await run.end(.stopped, error: "the deadline passed")
      let stopped = try await run.checkpoint()
      try expect("whether it is open", stopped.isOpen, is: false)
      try expect("holder", stopped.holder, is: nil)
      let outcome = try await run.sink.acquireEntities(
        of: run.new.syncID, owner: Scripted.otherOwner, duration: .seconds(60), takeOver: false)
      guard case .acquired(let lease, _) = outcome else {
        throw BatteryFailure("a stopped run", expected: "acquired", found: "\(outcome)")
      }
      run.lease = lease
      try await run.end(.failed, error: "the model exploded")
      let history = try await run.sink.entityAttempts(EntityAttemptFilter(processor: "stats"))
      try expect("endings", history.map(\.ending), is: [.failed, .stopped])
      try expect(
        "errors", history.map(\.error), is: ["the model exploded", "the deadline passed"])
      try expect("attempts", history.map(\.attempt), is: [2, 1])
      try expect("batches", history.map(\.batches), is: [1, 1])
      try expect("mark seconds", history.map(\.markSeconds), is: [0.5, 0.5])
      try expect(
        "of another processor",
        try await run.sink.entityAttempts(EntityAttemptFilter(processor: "other")), is: [])
      try expect(
        "the latest", try await run.sink.entityAttempts(EntityAttemptFilter(limit: 1)).count, is: 1)
      try expect(
        "within a minute",
        try await run.sink.entityAttempts(EntityAttemptFilter(within: .seconds(60))).count, is: 2)
    },

    SinkCheck("a checkpoint that is given up makes room and stays in the history") { place in
      var run = try await EntityRun.begin(at: place)
      try await run.commit(0..<3, rows: [Scripted.cells("a", 1)])
      let held = try await run.sink.beginEntities(
        EntityRun.new(2), replacing: (run.new.syncID, 3, .expired), unlessCompleted: true,
        owner: Scripted.otherOwner, leaseDuration: .seconds(60))
      guard case .held = held else {
        throw BatteryFailure("giving up what is in work", expected: "held", found: "\(held)")
      }
      try await run.end(.stopped)
      let began = try await run.sink.beginEntities(
        EntityRun.new(2), replacing: (run.new.syncID, 3, .expired), unlessCompleted: true,
        owner: Scripted.otherOwner, leaseDuration: .seconds(60))
      guard case .began(let checkpoint, let lease) = began else {
        throw BatteryFailure("giving up a checkpoint", expected: "began", found: "\(began)")
      }
      try expect("done", checkpoint.completed.count, is: 0)
      try expect("fence", lease.fence, is: 1)
      try expect(
        "endings", try await run.sink.entityAttempts(EntityAttemptFilter()).map(\.ending),
        is: [.expired, .stopped])
      let gone = try await run.sink.acquireEntities(
        of: run.new.syncID, owner: Scripted.owner, duration: .seconds(60), takeOver: true)
      guard case .gone = gone else {
        throw BatteryFailure("a run that was given up", expected: "gone", found: "\(gone)")
      }
    },

    SinkCheck("cleaning deletes what nobody works on, and nothing else") { place in
      var dead = LeaseOwner.current()
      dead.pid = .max
      var killed = try await EntityRun.begin(at: place, owner: dead)
      try await killed.commit(0..<2)
      let working = try await EntityRun.begin(2, at: place, partition: "other")
      let sink = working.sink
      try expect(
        "younger ones", try await sink.removeEntityCheckpoints(olderThan: .seconds(3_600)), is: [])
      try await Task.sleep(for: .milliseconds(20))
      let removed = try await sink.removeEntityCheckpoints(olderThan: .milliseconds(10))
      try expect("removed", removed.map(\.syncID), is: [killed.new.syncID])
      try expect(
        "left", try await sink.entityCheckpoints(EntityCheckpointFilter()).map(\.syncID),
        is: [working.new.syncID])
      try expect(
        "endings", try await sink.entityAttempts(EntityAttemptFilter()).map(\.ending),
        is: [.cleaned, .crashed])
    },
  ]

  static func entitySink(_ place: SinkPlace) async throws -> any EntityBatchSink {
    let sink = try await place.makeSink()
    guard let sink = sink as? any EntityBatchSink else {
      throw BatteryFailure(
        "the sink", expected: "an EntityBatchSink", found: "\(type(of: sink))")
    }
    return sink
  }
}

/// A run over six entities, `e0` to `e5`.
struct EntityRun: Sendable {
  var sink: any EntityBatchSink
  var new: NewEntityRun
  var lease: Lease
  var target: TargetTable
  var completed = CompletedRanges()

  static func new(
    _ number: Int, partition: String = "2025-01-29", table: String = "documents",
    list: String = "list"
  ) throws -> NewEntityRun {
    NewEntityRun(
      syncID: try Scripted.newRun(number, Scripted.target()).syncID, processor: "stats",
      partition: partition, total: 6, listDigest: list, table: table)
  }

  static func begin(
    _ number: Int = 1, at place: SinkPlace, table: String? = nil, mode: LoadMode = .upsert,
    key: [String] = ["id"], partition: String = "2025-01-29", list: String = "list",
    owner: LeaseOwner = Scripted.owner
  ) async throws -> EntityRun {
    let sink = try await EntityChecks.entitySink(place)
    try await sink.prepareState()
    let name = table ?? Scripted.target().name
    var target = Scripted.target(mode, name: name)
    target.key = mode == .append ? [] : key
    _ = try await sink.prepareTarget(target)
    let outcome = try await sink.beginEntities(
      try new(number, partition: partition, table: name, list: list), replacing: nil,
      unlessCompleted: false, owner: owner, leaseDuration: .seconds(600))
    guard case .began(let checkpoint, let lease) = outcome else {
      throw BatteryFailure("begin", expected: "began", found: "\(outcome)")
    }
    return EntityRun(sink: sink, new: checkpoint.new, lease: lease, target: target)
  }

  func mark(_ positions: Range<Int>, state: StoredState? = nil) -> EntityMark {
    var after = completed
    after.insert(positions)
    return EntityMark(
      before: completed, completed: after, total: 6, listDigest: new.listDigest,
      lastEntityID: after.unbroken > 0 ? "e\(after.unbroken - 1)" : "",
      prefixDigest: "prefix \(after.end ?? 0)", state: state, target: "target", batches: 1,
      markSeconds: 0.25)
  }

  @discardableResult
  mutating func commit(
    _ positions: Range<Int>, rows: [[CellValue]] = [], state: StoredState? = nil
  ) async throws -> EntityCommitOutcome {
    let mark = mark(positions, state: state)
    var work = EntityWork(run: new.syncID)
    if !rows.isEmpty {
      work.rows = EntityWork.Rows(
        target: target, batch: try RecordBatch(columns: target.columns, rows: rows))
    }
    let outcome = try await sink.stage(work).commit(mark, under: lease)
    if case .committed = outcome { completed = mark.completed }
    return outcome
  }

  func end(
    _ ending: EntityAttempt.Ending, error: String? = nil, replacement: PartitionReplacement? = nil
  ) async throws {
    try await sink.endEntities(
      EntityEnd(
        ending: ending, error: error, completed: completed, batches: 1, markSeconds: 0.5,
        replacement: replacement), under: lease)
  }

  func checkpoint() async throws -> EntityCheckpoint {
    let found = try await sink.entityCheckpoints(
      EntityCheckpointFilter(processor: new.processor, partition: new.partition))
    guard let checkpoint = found.first(where: { $0.syncID == new.syncID }) else {
      throw BatteryFailure("the checkpoint of the run", expected: "one", found: "none")
    }
    return checkpoint
  }
}
