/// Which saved stages of an execution may be reused, and why the others may not. Pure: from what is
/// recorded and what the program asks for to what to do.
///
/// A stage is reused when its declared version and the pipeline's input are what they were, and when
/// everything that it may have used is: the stages that were done before it are done again before it,
/// each reused or with the same content. The order counts among stages that run one after the other;
/// stages of a task group may come in any order.
public enum ReusePlan {
  /// Decides on a stage that is about to run.
  ///
  /// - Parameters:
  ///   - stage: The stage as the program declares it now.
  ///   - recorded: Its checkpoints in this execution, newest first.
  ///   - done: The stages that are done in this attempt, in order.
  ///   - inputDigest: The pipeline's input as it is now.
  public static func decide(
    _ stage: PlannedStage, recorded: [StageCheckpoint], done: [DoneStage], inputDigest: String
  ) -> ReuseDecision {
    var first: RunReason?
    for checkpoint in recorded {
      guard
        let reason = obstacle(
          to: checkpoint, stage: stage, done: done, inputDigest: inputDigest)
      else { return .reuse(checkpoint) }
      first = first ?? reason
    }
    return .run(first ?? .notRecorded)
  }

  /// Decides on all stages of a pipeline that run one after the other, as if each ran in its turn.
  ///
  /// - Parameters:
  ///   - stages: The stages as the program declares them now, in order.
  ///   - recorded: All checkpoints of the execution, newest first.
  ///   - inputDigest: The pipeline's input as it is now.
  public static func plan(
    _ stages: [PlannedStage], recorded: [StageCheckpoint], inputDigest: String
  ) -> [PlannedDecision] {
    var done: [DoneStage] = []
    return stages.map { stage in
      let decision = decide(
        stage, recorded: recorded.filter { $0.stage == stage.name }, done: done,
        inputDigest: inputDigest)
      switch decision {
      case .reuse(let checkpoint):
        done.append(
          DoneStage(
            name: stage.name, dataHash: checkpoint.dataHash, wasReused: true,
            isSequential: stage.isSequential))
      case .run:
        // What it will hold nobody knows.
        done.append(
          DoneStage(
            name: stage.name, dataHash: nil, wasReused: false, isSequential: stage.isSequential))
      }
      return PlannedDecision(stage: stage, decision: decision)
    }
  }

  private static func obstacle(
    to checkpoint: StageCheckpoint, stage: PlannedStage, done: [DoneStage], inputDigest: String
  ) -> RunReason? {
    guard checkpoint.format == StageCheckpoint.currentFormat, checkpoint.kind != .foreign else {
      return .unknownFormat(checkpoint.format)
    }
    guard checkpoint.version == stage.version else {
      return .versionChanged(from: checkpoint.version, to: stage.version)
    }
    // A checkpoint that was saved outside of a pipeline knows of no input.
    guard checkpoint.inputDigest == inputDigest else {
      return .inputChanged(from: checkpoint.inputDigest, to: inputDigest)
    }
    let isOrdered = stage.isSequential && checkpoint.isSequential
    let doneByName = Dictionary(done.map { ($0.name, $0) }) { $1 }
    let before = Set(checkpoint.after.map(\.stage))
    for predecessor in checkpoint.after {
      if let now = doneByName[predecessor.stage] {
        if !now.wasReused, now.dataHash != predecessor.dataHash {
          return .predecessorChanged(predecessor.stage)
        }
      } else if isOrdered, predecessor.isSequential {
        return .orderChanged("'\(predecessor.stage)' came before it")
      }
    }
    if isOrdered {
      for now in done where !before.contains(now.name) {
        if now.wasReused {
          // A stage of a task group may have been done later then.
          if now.isSequential { return .orderChanged("'\(now.name)' came after it") }
        } else {
          return .newPredecessor(now.name)
        }
      }
    }
    return nil
  }
}

/// A stage as a program declares it.
public struct PlannedStage: Sendable, Hashable, Codable {
  /// Its name, with its path when it is nested.
  public var name: String
  /// Its declared version.
  public var version: Int
  /// Whether it runs in the pipeline's own line, not beside others in a task group.
  public var isSequential: Bool

  /// Makes a stage.
  public init(name: String, version: Int = 1, isSequential: Bool = true) {
    self.name = name
    self.version = version
    self.isSequential = isSequential
  }
}

/// A stage that is done in this attempt.
public struct DoneStage: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// The digest of its content; nil when it is not known yet.
  public var dataHash: String?
  /// Whether its saved value was taken.
  public var wasReused: Bool
  /// Whether it ran in the pipeline's own line.
  public var isSequential: Bool

  /// Makes a stage that is done.
  public init(name: String, dataHash: String?, wasReused: Bool, isSequential: Bool = true) {
    self.name = name
    self.dataHash = dataHash
    self.wasReused = wasReused
    self.isSequential = isSequential
  }
}

/// What to do about a stage.
public enum ReuseDecision: Sendable, Hashable {
  /// Take its saved value.
  case reuse(StageCheckpoint)
  /// Run it.
  case run(RunReason)
}

/// A stage and what is to be done about it.
public struct PlannedDecision: Sendable, Hashable {
  /// The stage.
  public var stage: PlannedStage
  /// What to do.
  public var decision: ReuseDecision
}

/// Why a stage is to run.
public enum RunReason: Sendable, Hashable, CustomStringConvertible {
  /// It has no checkpoint.
  case notRecorded
  /// Its declared version is another one.
  case versionChanged(from: Int, to: Int)
  /// The pipeline's input is another one.
  case inputChanged(from: String?, to: String)
  /// Stages come in another order.
  case orderChanged(String)
  /// A stage before it runs again and may give something else.
  case predecessorChanged(String)
  /// A stage that was not there comes before it.
  case newPredecessor(String)
  /// What is saved was written by another program or version.
  case unknownFormat(Int)
  /// What is saved is damaged.
  case damaged(String)
  /// What is saved is no value of the type that the program wants now.
  case otherType(String)
  /// The program does not want saved values.
  case resumeIsOff

  /// The reason in words.
  public var description: String {
    switch self {
    case .notRecorded: "it has no checkpoint"
    case .versionChanged(let from, let to): "its version was \(from) and is \(to)"
    case .inputChanged(let from, let to):
      "the pipeline's input was \(from?.prefix(12) ?? "unknown") and is \(to.prefix(12))"
    case .orderChanged(let detail): "the order of stages changed: \(detail)"
    case .predecessorChanged(let stage): "'\(stage)', which came before it, runs again"
    case .newPredecessor(let stage): "'\(stage)' is new and comes before it"
    case .unknownFormat(let format): "its checkpoint has format \(format)"
    case .damaged(let detail): "its checkpoint is damaged: \(detail)"
    case .otherType(let detail): "its checkpoint holds another type: \(detail)"
    case .resumeIsOff: "resuming is off"
    }
  }
}
