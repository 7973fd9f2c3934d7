internal import Cairn

/// Lists of entities that a run has completed, and calls that would append their rows again.
enum EntityCompletionChecks {
  static let all = [
    SinkCheck("a completed list does not begin again where that is asked for") { place in
      let state = StoredState(digest: "d", size: 3, bytes: [0, 255, 39])
      let run = try await completed(at: place, state: state)
      let found = try await begin(new(2), on: run.sink)
      guard case .completed(let before) = found else {
        throw BatteryFailure("the same list", expected: "completed", found: "\(found)")
      }
      try expect("run", before.attempt.syncID, is: run.new.syncID)
      try expect("ending", before.attempt.ending, is: .completed)
      try expect("entities", before.attempt.entitiesCompleted, is: 6)
      try expect("state", before.state, is: state)
      try expect(
        "the attempt in the history", try await run.sink.entityAttempts(EntityAttemptFilter()),
        is: [before.attempt])
      try expect(
        "checkpoints", try await run.sink.entityCheckpoints(EntityCheckpointFilter()), is: [])
      let again = try await begin(new(2), on: run.sink, unlessCompleted: false)
      guard case .began = again else {
        throw BatteryFailure("the same list, asked for", expected: "began", found: "\(again)")
      }
      // Its checkpoint counts then, whether or not it may begin again.
      let resumed = try await begin(new(3), on: run.sink)
      guard case .exists(let checkpoint) = resumed else {
        throw BatteryFailure("a list that was begun again", expected: "exists", found: "\(resumed)")
      }
      try expect("its run", checkpoint.syncID, is: try new(2).syncID)
    },

    SinkCheck("another list, partition, table or processor begins") { place in
      let run = try await completed(at: place)
      var others = [
        try new(2, partition: "other"), try new(3, table: "other"),
        try new(4, list: "other"), try new(5),
      ]
      others[3].processor = "other"
      for other in others {
        let outcome = try await begin(other, on: run.sink)
        guard case .began(_, let lease) = outcome else {
          throw BatteryFailure("\(other)", expected: "began", found: "\(outcome)")
        }
        try await run.sink.endEntities(
          EntityEnd(ending: .stopped, completed: CompletedRanges()), under: lease)
        _ = try await run.sink.removeEntityCheckpoints(olderThan: .seconds(-1))
      }
    },

    SinkCheck("the last completed run counts, and no attempt that ended otherwise") { place in
      var failed = try await EntityRun.begin(at: place, mode: .append)
      try await failed.commit(0..<6, rows: [Scripted.cells("a", 1)])
      for ending in [EntityAttempt.Ending.failed, .stopped] {
        try await failed.end(ending)
        // In work again, so that it can be ended otherwise.
        let outcome = try await failed.sink.acquireEntities(
          of: failed.new.syncID, owner: Scripted.owner, duration: .seconds(60), takeOver: false)
        guard case .acquired(let lease, _) = outcome else {
          throw BatteryFailure("a run that ended", expected: "acquired", found: "\(outcome)")
        }
        failed.lease = lease
      }
      try await failed.end(.failed)
      let replaced = try await failed.sink.beginEntities(
        new(2), replacing: (failed.new.syncID, 6, .expired), unlessCompleted: true,
        owner: Scripted.owner, leaseDuration: .seconds(60))
      guard case .began(_, let lease) = replaced else {
        throw BatteryFailure("after attempts that failed", expected: "began", found: "\(replaced)")
      }
      var run = failed
      run.new = try new(2)
      run.lease = lease
      run.completed = CompletedRanges()
      try await run.commit(0..<6)
      try await run.end(.completed)
      // Another list in between: the first one is then done for another time.
      try await completed(3, at: place, list: "other")
      let outcome = try await begin(new(4), on: run.sink)
      guard case .began = outcome else {
        throw BatteryFailure("the list before the last", expected: "began", found: "\(outcome)")
      }
    },

    SinkCheck("a run over no entities does not hide the completed one before it") { place in
      let first = try await completed(
        at: place, state: StoredState(digest: "f", size: 9, file: "x"))
      var empty = try new(2, list: "none")
      empty.total = 0
      guard case .began(_, let lease) = try await begin(empty, on: first.sink) else {
        throw BatteryFailure("no entities", expected: "began", found: "something else")
      }
      let forgotten = try await first.sink.endEntities(
        EntityEnd(ending: .completed, completed: CompletedRanges()), under: lease)
      try expect("forgotten", forgotten, is: [])
      let outcome = try await begin(new(3), on: first.sink)
      guard case .completed(let before) = outcome else {
        throw BatteryFailure("the list before", expected: "completed", found: "\(outcome)")
      }
      try expect("run", before.attempt.syncID, is: first.new.syncID)
      try expect("state", before.state?.file, is: "x")
    },

    SinkCheck("a checkpoint whose owner has gone on since is not given up") { place in
      var run = try await EntityRun.begin(at: place, mode: .append)
      try await run.commit(0..<3, rows: [Scripted.cells("a", 1)])
      try await run.end(.stopped)
      let outcome = try await run.sink.beginEntities(
        new(2), replacing: (run.new.syncID, 0, .expired), unlessCompleted: true,
        owner: Scripted.otherOwner, leaseDuration: .seconds(60))
      guard case .exists(let found) = outcome else {
        throw BatteryFailure("what was judged before", expected: "exists", found: "\(outcome)")
      }
      try expect("run", found.syncID, is: run.new.syncID)
      try expect("its checkpoint", try await run.checkpoint().completed.count, is: 3)
    },

    SinkCheck("a checkpoint of another list stays where the list is completed") { place in
      let run = try await completed(at: place)
      let other = try await EntityRun.begin(2, at: place, mode: .append, list: "other")
      try await other.end(.stopped)
      let outcome = try await run.sink.beginEntities(
        new(3), replacing: (other.new.syncID, 0, .discarded), unlessCompleted: true,
        owner: Scripted.owner, leaseDuration: .seconds(60))
      guard case .completed(let before) = outcome else {
        throw BatteryFailure("the completed list", expected: "completed", found: "\(outcome)")
      }
      try expect("run", before.attempt.syncID, is: run.new.syncID)
      try expect("its checkpoint", try await other.checkpoint().new, is: other.new)
    },

    SinkCheck("of many that find a list completed none begins, and of many that append again one") {
      place in
      try await completed(at: place)
      let outcomes = try await withThrowingTaskGroup(of: EntityBeginOutcome.self) { group in
        for number in 2...7 {
          group.addTask {
            try await begin(
              new(number), on: try await EntityChecks.entitySink(place),
              unlessCompleted: number <= 4)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      var began = 0
      for outcome in outcomes {
        switch outcome {
        case .began(let checkpoint, _):
          began += 1
          let asked = try (5...7).map { try new($0).syncID }
          try expect("whether its run may", asked.contains(checkpoint.syncID), is: true)
        // Who comes after the one that began finds its checkpoint.
        case .completed, .exists: break
        case .held(let holder):
          throw BatteryFailure("a begin", expected: "no holder", found: "\(holder)")
        }
      }
      try expect("how many began", began, is: 1)
    },

    SinkCheck("the state of a completed run is kept where asked for, and forgotten in the end") {
      place in
      let file = StoredState(digest: "f", size: 70_000, file: "state_x.bin")
      let first = try await completed(at: place, state: file)
      let none = try await completed(
        2, at: place, partition: "other", state: file, keepsState: false)
      func kept(_ run: EntityRun) async throws -> StoredState? {
        let found = try await begin(run.new, on: run.sink)
        guard case .completed(let before) = found else {
          throw BatteryFailure("a completed list", expected: "completed", found: "\(found)")
        }
        return before.state
      }
      try expect("state that is kept", try await kept(first), is: file)
      try expect("state that is not", try await kept(none), is: nil)
      // The next run of its partition has it forgotten, one of another partition when it is too old.
      let second = try await EntityRun.begin(3, at: place, mode: .append, list: "second")
      let forgotten = try await complete(second, state: file)
      try expect("forgotten", forgotten, is: [first.new.syncID])
      try expect("state of the second", try await kept(second), is: file)
      let third = try await EntityRun.begin(4, at: place, mode: .append, partition: "third")
      try expect("young states", try await complete(third, expiry: .seconds(3_600)), is: [])
      try expect("state of the second", try await kept(second), is: file)
      try await Task.sleep(for: .milliseconds(20))
      let fourth = try await EntityRun.begin(5, at: place, mode: .append, partition: "fourth")
      try expect(
        "old states", try await complete(fourth, expiry: .milliseconds(10)), is: [second.new.syncID]
      )
      try expect("state of the second", try await kept(second), is: nil)
    },
  ]

  private static func new(
    _ number: Int, partition: String = "2025-01-29", table: String? = nil, list: String = "list"
  ) throws -> NewEntityRun {
    try EntityRun.new(
      number, partition: partition, table: table ?? Scripted.target().name, list: list)
  }

  private static func begin(
    _ new: NewEntityRun, on sink: any EntityBatchSink, unlessCompleted: Bool = true
  ) async throws -> EntityBeginOutcome {
    try await sink.beginEntities(
      new, replacing: nil, unlessCompleted: unlessCompleted, owner: Scripted.owner,
      leaseDuration: .seconds(60))
  }

  /// A run that appended a row and completed its list.
  @discardableResult
  private static func completed(
    _ number: Int = 1, at place: SinkPlace, partition: String = "2025-01-29", list: String = "list",
    state: StoredState? = nil, keepsState: Bool = true
  ) async throws -> EntityRun {
    let run = try await EntityRun.begin(
      number, at: place, mode: .append, partition: partition, list: list)
    try await complete(run, state: state, keepsState: keepsState)
    return run
  }

  /// - Returns: The runs whose state was forgotten for it.
  @discardableResult
  private static func complete(
    _ run: EntityRun, state: StoredState? = nil, keepsState: Bool = true, expiry: Duration? = nil
  ) async throws -> [SyncID] {
    var run = run
    try await run.commit(0..<6, rows: [Scripted.cells("a", 1)], state: state)
    return try await run.sink.endEntities(
      EntityEnd(
        ending: .completed, completed: run.completed, batches: 1, markSeconds: 0.5,
        keepsState: keepsState, stateExpiry: expiry), under: run.lease)
  }
}
