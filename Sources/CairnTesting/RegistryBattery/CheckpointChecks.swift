internal import Cairn

/// Which checkpoints a registry has.
enum CheckpointChecks {
  static let all = [
    RegistryCheck("a new registry has nothing") { place in
      let registry = try await place.makeRegistry()
      try expect("checkpoints", try await registry.checkpoints(CheckpointFilter()).count, is: 0)
      try expect("executions", try await registry.executions(of: nil).count, is: 0)
      try await registry.prepare()
      try await registry.prepare()
      try expect("checkpoints", try await registry.checkpoints(CheckpointFilter()).count, is: 0)
      try await registry.remove([checkpoint(1)])
      try await registry.removeExecutions(before: "2100-01-01T00:00:00.000000Z")
    },

    RegistryCheck("all that is said of a checkpoint comes back, to another process too") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      var odd = checkpoint(1)
      odd.pipelineID = "päpe/line \"1\" \\ \n\t\u{1}"
      odd.stage = "../..\u{0}/stage' ; DROP TABLE x; --"
      odd.id = "\(odd.pipelineID)_\(odd.stage.replacing("\0", with: "0"))"
      odd.stage = odd.stage.replacing("\0", with: "0")
      odd.metadata = [
        "text": "\"q\"\n\\ ☃", "list": [1, 2.5, nil, true], "object": ["timestamp": "x"],
        "state_file": "not this one", "big": .integer(.max),
      ]
      odd.after = [.init(stage: "a\"b", dataHash: "00", isSequential: false)]
      odd.cost.encoding = 0.001_25
      odd.cost.bytes = 1 << 40
      odd.version = 7
      try await registry.record(odd, under: nil)
      var bare = checkpoint(2)
      bare.dataFile = nil
      bare.inputDigest = nil
      bare.kind = .none
      bare.shape = []
      try await registry.record(bare, under: nil)
      let found = try await place.makeRegistry().checkpoints(CheckpointFilter())
      try expect("checkpoints", Set(found), is: [odd, bare])
      try expect(
        "by id", try await registry.checkpoints(CheckpointFilter(id: odd.id)), is: [odd])
    },

    RegistryCheck("a number that is not finite is kept as a text") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      var odd = checkpoint(1)
      odd.metadata = [
        "loss": .number(.nan), "best": .list([.number(.infinity), .number(-.infinity)]),
      ]
      try await registry.record(odd, under: nil)
      let found = try await place.makeRegistry().checkpoints(CheckpointFilter())
      try expect(
        "metadata", found.map(\.metadata),
        is: [["loss": "nan", "best": .list(["inf", "-inf"])]])
    },

    RegistryCheck("the checkpoint that was recorded last is the newest, whatever the clock said") {
      place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      var later = checkpoint(1)
      later.timestamp = "2030-01-01T00:00:00.000000Z"
      var earlier = checkpoint(2)
      earlier.timestamp = "2020-01-01T00:00:00.000000Z"
      try await registry.record(later, under: nil)
      try await registry.record(earlier, under: nil)
      try expect(
        "newest first", try await registry.checkpoints(CheckpointFilter(pipelineID: "p")).map(\.id),
        is: [earlier.id, later.id])
      try expect(
        "the newest",
        try await registry.checkpoints(CheckpointFilter(pipelineID: "p", limit: 1)).map(\.id),
        is: [earlier.id])
    },

    RegistryCheck("filters choose by execution, stage, id and time") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let all = (0..<12).map { number in
        var made = checkpoint(number)
        made.pipelineID = "p\(number % 3)"
        made.stage = "s\(number % 2)"
        return made
      }
      for checkpoint in all { try await registry.record(checkpoint, under: nil) }
      for filter in [
        CheckpointFilter(pipelineID: "p1"), CheckpointFilter(stage: "s1"),
        CheckpointFilter(pipelineID: "p2", stage: "s0"), CheckpointFilter(id: all[5].id),
        CheckpointFilter(savedBefore: all[4].timestamp), CheckpointFilter(pipelineID: "p9"),
        CheckpointFilter(pipelineID: "p1", savedBefore: all[8].timestamp),
      ] {
        let expected = all.reversed().filter { checkpoint in
          (filter.id == nil || checkpoint.id == filter.id)
            && (filter.pipelineID == nil || checkpoint.pipelineID == filter.pipelineID)
            && (filter.stage == nil || checkpoint.stage == filter.stage)
            && filter.savedBefore.map { checkpoint.timestamp < $0 } ?? true
        }
        try expect(
          "\(filter)", try await registry.checkpoints(filter).map(\.id), is: expected.map(\.id))
      }
    },

    RegistryCheck("what is removed is gone, once and for all, and nothing else is") { place in
      let registry = try await place.makeRegistry()
      let other = try await place.makeRegistry()
      try await registry.prepare()
      // A model by which a registry that changes its form as it grows is held.
      var model: [StageCheckpoint] = []
      var random = SplitMix(seed: 11)
      for number in 0..<240 {
        var made = checkpoint(number)
        made.pipelineID = "p\(random.next() % 7)"
        made.stage = "s\(random.next() % 3)"
        try await (number % 2 == 0 ? registry : other).record(made, under: nil)
        model.append(made)
        if number % 10 == 9 {
          let gone = (0..<(number % 20 == 9 ? 1 : 4)).map { _ in
            model.remove(at: Int(random.next() % UInt64(model.count)))
          }
          try await (number % 20 == 9 ? other : registry).remove(gone)
          try await registry.remove(gone)
        }
      }
      for registry in [registry, other, try await place.makeRegistry()] {
        for execution in 0..<7 {
          try expect(
            "p\(execution)",
            try await registry.checkpoints(CheckpointFilter(pipelineID: "p\(execution)")).map(\.id),
            is: model.filter { $0.pipelineID == "p\(execution)" }.reversed().map(\.id))
        }
        let whole = Set(try await registry.checkpoints(CheckpointFilter()))
        try expect("all", whole, is: Set(model))
      }
    },

    RegistryCheck("many that record at once lose nothing") { place in
      let registry = try await place.makeRegistry()
      try await registry.prepare()
      let others = [registry, try await place.makeRegistry(), try await place.makeRegistry()]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<60 {
          group.addTask { try await others[number % 3].record(checkpoint(number), under: nil) }
        }
        try await group.waitForAll()
      }
      try expect(
        "checkpoints", Set(try await registry.checkpoints(CheckpointFilter()).map(\.id)),
        is: Set((0..<60).map { checkpoint($0).id }))
    },
  ]

  static func checkpoint(_ number: Int) -> StageCheckpoint {
    let digits = String(1_000 + number).dropFirst()
    return StageCheckpoint(
      id: "p_s_\(digits)", pipelineID: "p", stage: "s", kind: .rows,
      dataFile: "pipeline_p_stage_s_\(digits).parquet",
      stateFile: "pipeline_p_stage_s_\(digits)_state.json",
      dataHash: String(repeating: "a", count: 61) + digits, shape: [number, 3],
      metadata: ["number": .integer(Int64(number))],
      timestamp: "2025-10-07T12:00:00.000\(digits)Z", inputDigest: "input")
  }
}
