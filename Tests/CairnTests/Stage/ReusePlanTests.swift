import Cairn
import Testing

/// Which stages are reused, from values alone.
@Suite struct ReusePlanTests {
  /// Checkpoints of stages that ran one after the other, newest first.
  private func recorded(_ stages: [PlannedStage], input: String = "in") -> [StageCheckpoint] {
    var made: [StageCheckpoint] = []
    for stage in stages {
      made.append(
        checkpoint(stage.name, stage.version, after: made.map(\.stage), input: input))
    }
    return made.reversed()
  }

  private func checkpoint(
    _ stage: String, _ version: Int = 1, after: [String] = [], input: String? = "in",
    isSequential: Bool = true, beside: Set<String> = []
  ) -> StageCheckpoint {
    StageCheckpoint(
      id: "id of \(stage) \(version)", pipelineID: "p", stage: stage, version: version, kind: .rows,
      dataFile: "x", stateFile: "y", dataHash: "hash of \(stage)", timestamp: "",
      inputDigest: input,
      after: after.map {
        .init(stage: $0, dataHash: "hash of \($0)", isSequential: !beside.contains($0))
      }, isSequential: isSequential)
  }

  private func stages(_ names: String...) -> [PlannedStage] { names.map { PlannedStage(name: $0) } }

  /// What is done about each stage: `reuse`, or why not.
  private func plan(
    _ declared: [PlannedStage], _ recorded: [StageCheckpoint], input: String = "in"
  ) -> [String] {
    ReusePlan.plan(declared, recorded: recorded, inputDigest: input).map { planned in
      switch planned.decision {
      case .reuse: "reuse"
      case .run(let reason): "\(reason)"
      }
    }
  }

  @Test func `what is done is reused, the rest runs`() {
    let declared = stages("a", "b", "c", "d")
    #expect(
      plan(declared, recorded(stages("a", "b")))
        == ["reuse", "reuse", "it has no checkpoint", "it has no checkpoint"])
    #expect(plan(declared, recorded(declared)) == ["reuse", "reuse", "reuse", "reuse"])
    #expect(plan(declared, []).allSatisfy { $0 == "it has no checkpoint" })
  }

  @Test func `another version runs, and so does what came after it`() {
    var declared = stages("a", "b", "c")
    declared[1].version = 2
    #expect(
      plan(declared, recorded(stages("a", "b", "c")))
        == [
          "reuse", "its version was 1 and is 2", "'b', which came before it, runs again",
        ])
  }

  @Test func `a version that is taken back finds its older checkpoint`() {
    var all = recorded(stages("a", "b"))
    all.insert(checkpoint("b", 2, after: ["a"]), at: 0)
    let decision = ReusePlan.decide(
      PlannedStage(name: "b", version: 1), recorded: all.filter { $0.stage == "b" },
      done: [DoneStage(name: "a", dataHash: "hash of a", wasReused: true)], inputDigest: "in")
    #expect(decision == .reuse(all[1]))
  }

  @Test func `another input runs everything`() {
    #expect(
      plan(stages("a", "b"), recorded(stages("a", "b")), input: "other")
        == Array(repeating: "the pipeline's input was in and is other", count: 2))
  }

  @Test func `stages that change places run, and so does what came after`() {
    let all = recorded(stages("a", "b", "c", "d"))
    #expect(
      plan(stages("a", "c", "b", "d"), all)
        == [
          "reuse", "the order of stages changed: 'b' came before it",
          "'c' is new and comes before it",
          "'b', which came before it, runs again",
        ])
  }

  @Test func `a stage that is left out changes what came after it`() {
    #expect(
      plan(stages("a", "c"), recorded(stages("a", "b", "c")))
        == ["reuse", "the order of stages changed: 'b' came before it"])
  }

  @Test func `a new stage changes what comes after it`() {
    #expect(
      plan(stages("a", "new", "b"), recorded(stages("a", "b")))
        == ["reuse", "it has no checkpoint", "'new' is new and comes before it"])
  }

  @Test func `a stage that ran again with the same content changes nothing`() {
    let all = recorded(stages("a", "b"))
    func decide(_ hash: String) -> ReuseDecision {
      ReusePlan.decide(
        PlannedStage(name: "b"), recorded: all.filter { $0.stage == "b" },
        done: [DoneStage(name: "a", dataHash: hash, wasReused: false)], inputDigest: "in")
    }
    #expect(decide("hash of a") == .reuse(all[0]))
    #expect(decide("another") == .run(.predecessorChanged("a")))
  }

  @Test func `stages of a group may come in any order`() {
    // Recorded: a, then b and c beside each other (c was done after b), then d.
    let group = [
      checkpoint(
        "d", after: ["a", "b", "c"], beside: ["b", "c"]),
      checkpoint("c", after: ["a", "b"], isSequential: false, beside: ["b"]),
      checkpoint("b", after: ["a"], isSequential: false), checkpoint("a"),
    ]
    func decide(_ name: String, done: [(String, Bool)]) -> ReuseDecision {
      ReusePlan.decide(
        PlannedStage(name: name, isSequential: name == "a" || name == "d"),
        recorded: group.filter { $0.stage == name },
        done: done.map { done, wasReused in
          DoneStage(
            name: done, dataHash: wasReused ? "hash of \(done)" : "new", wasReused: wasReused,
            isSequential: done == "a")
        }, inputDigest: "in")
    }
    #expect(decide("c", done: [("a", true)]) == .reuse(group[1]))
    #expect(decide("b", done: [("a", true), ("c", true)]) == .reuse(group[2]))
    #expect(decide("d", done: [("a", true), ("c", true), ("b", true)]) == .reuse(group[0]))
    // One beside it that had to run does not matter to the other, but to what comes after both.
    #expect(decide("b", done: [("a", true), ("c", false)]) == .reuse(group[2]))
    #expect(
      decide("d", done: [("a", true), ("c", false), ("b", true)]) == .run(.predecessorChanged("c")))
    // What both come after matters to both.
    #expect(decide("c", done: [("a", false)]) == .run(.predecessorChanged("a")))
    // A new one beside them matters to what comes after.
    #expect(
      decide("d", done: [("a", true), ("b", true), ("c", true), ("new", false)])
        == .run(.newPredecessor("new")))
  }

  @Test func `what another program or a newer one wrote is not reused`() {
    var foreign = checkpoint("a")
    foreign.format = 99
    #expect(plan(stages("a"), [foreign]) == ["its checkpoint has format 99"])
    #expect(
      plan(stages("a"), [checkpoint("a", input: nil)])
        == ["the pipeline's input was unknown and is in"])
  }
}
