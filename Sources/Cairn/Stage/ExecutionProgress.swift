internal import Synchronization

/// What an attempt of a pipeline has done so far, safe from tasks that run at once.
final class ExecutionProgress: Sendable {
  private struct State {
    /// The checkpoints of each stage, newest first, those of this attempt included.
    var recorded: [String: [StageCheckpoint]] = [:]
    var done: [DoneStage] = []
    /// The stages that were asked for in this attempt.
    var begun: Set<String> = []
    var reports: [StageReport] = []
    /// Seconds that reused stages took to run, less those for loading.
    var savedSeconds = 0.0
    /// When the first stage ran.
    var firstRun: ContinuousClock.Instant?
  }

  private let state: Mutex<State>
  let pipelineID: String
  let inputDigest: String
  private let attempt: Int
  private let start = ContinuousClock.now

  /// - Parameter recorded: The checkpoints of earlier attempts, newest first.
  init(pipelineID: String, inputDigest: String, attempt: Int, recorded: [StageCheckpoint]) {
    self.attempt = attempt
    self.pipelineID = pipelineID
    self.inputDigest = inputDigest
    state = Mutex(State(recorded: Dictionary(grouping: recorded, by: \.stage)))
  }

  /// Notes that a stage was asked for.
  ///
  /// - Returns: The decision on it, and what was done before it.
  /// - Throws: ``PipelineError/duplicateStage(_:pipelineID:)``.
  func begin(
    _ stage: PlannedStage, reuses: Bool
  ) throws -> (ReuseDecision, [StageCheckpoint.Predecessor]) {
    try state.withLock { state in
      guard state.begun.insert(stage.name).inserted else {
        throw PipelineError.duplicateStage(stage.name, pipelineID: pipelineID)
      }
      let decision =
        reuses
        ? ReusePlan.decide(
          stage, recorded: state.recorded[stage.name] ?? [], done: state.done,
          inputDigest: inputDigest)
        : .run(.resumeIsOff)
      let after = state.done.map {
        StageCheckpoint.Predecessor(
          stage: $0.name, dataHash: $0.dataHash ?? "", isSequential: $0.isSequential)
      }
      return (decision, after)
    }
  }

  /// Forgets a checkpoint that is damaged, and decides anew.
  func forget(_ checkpoint: StageCheckpoint, of stage: PlannedStage) -> ReuseDecision {
    state.withLock { state in
      state.recorded[stage.name]?.removeAll { $0 == checkpoint }
      return ReusePlan.decide(
        stage, recorded: state.recorded[stage.name] ?? [], done: state.done,
        inputDigest: inputDigest)
    }
  }

  /// Notes that the stages within a stage are asked for once more: it is tried again.
  func tryAgain(_ stage: String) {
    state.withLock { state in
      state.begun = state.begun.filter { !$0.hasPrefix(stage + "/") }
      state.done.removeAll { $0.name.hasPrefix(stage + "/") }
    }
  }

  /// Notes that a stage's body runs.
  func runs() { state.withLock { $0.firstRun = $0.firstRun ?? .now } }

  /// Notes that a stage is done.
  ///
  /// - Parameters:
  ///   - saved: Its new checkpoint, if there is one.
  ///   - savedSeconds: Of a reused stage, how much longer it would have taken to run.
  func end(
    _ stage: DoneStage, saved: StageCheckpoint?, _ report: StageReport, savedSeconds: Double = 0
  ) {
    state.withLock { state in
      // The stages within it are a part of it from now on.
      state.done.removeAll { $0.name == stage.name || $0.name.hasPrefix(stage.name + "/") }
      state.done.append(stage)
      if let saved { state.recorded[stage.name, default: []].insert(saved, at: 0) }
      state.reports.append(report)
      state.savedSeconds += savedSeconds
    }
  }

  /// Notes that a stage failed.
  func fail(_ report: StageReport) { state.withLock { $0.reports.append(report) } }

  /// What became of the stages so far, in the order in which they ended.
  var reports: [StageReport] { state.withLock { $0.reports } }

  /// What the attempt came to so far.
  var account: PipelineAttempt {
    state.withLock { state in
      PipelineAttempt(
        number: attempt, seconds: (ContinuousClock.now - start).inSeconds,
        stagesRun: state.reports.count { if case .ran = $0.outcome { true } else { false } },
        stagesReused: state.reports.count { $0.outcome == .reused },
        secondsSaved: state.savedSeconds,
        secondsToFirstStage: state.firstRun.map { ($0 - start).inSeconds })
    }
  }
}

/// What became of a stage in an attempt.
public struct StageReport: Sendable, Hashable {
  /// What was done about a stage.
  public enum Outcome: Sendable, Hashable {
    /// Its saved value was taken.
    case reused
    /// It ran, for this reason.
    case ran(RunReason)
    /// It failed, with this message.
    case failed(String)
  }

  /// The stage's path.
  public var stage: String
  /// What was done.
  public var outcome: Outcome
  /// Its checkpoint; nil when it has none.
  public var checkpoint: String?
  /// How often its body was tried.
  public var tries: Int
  /// Seconds that its body took, all tries and waits included; of a reused one those that loading took.
  public var seconds: Double
  /// What saving or loading its value took.
  public var cost: CheckpointCost
}
