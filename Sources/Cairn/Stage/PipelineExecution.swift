internal import Crypto

/// One execution of a pipeline, over all its attempts.
public struct PipelineExecution: Sendable, Hashable, Codable {
  /// Its id, like `pipeline_20251007_120000_a3f4b2c1`, or the program's own.
  public var pipelineID: String
  /// The pipeline's name.
  public var pipeline: String
  /// What it is found again by: see ``PipelineClaim/key``.
  public var key: String
  /// SHA-256 of the input.
  public var inputDigest: String
  /// How it stands.
  public var status: PipelineStatus
  /// How many attempts were made.
  public var attempt: Int
  /// When the first attempt began, in ISO 8601 UTC.
  public var startedAt: String
  /// When the last attempt began or ended, in ISO 8601 UTC.
  public var updatedAt: String
  /// When it was complete, in ISO 8601 UTC.
  public var completedAt: String?
  /// What ended the last attempt.
  public var error: String?
  /// Who works on it.
  public var holder: LeaseHolder?

  /// Makes a record.
  public init(
    pipelineID: String, pipeline: String, key: String, inputDigest: String, status: PipelineStatus,
    attempt: Int, startedAt: String, updatedAt: String, completedAt: String? = nil,
    error: String? = nil, holder: LeaseHolder? = nil
  ) {
    self.pipelineID = pipelineID
    self.pipeline = pipeline
    self.key = key
    self.inputDigest = inputDigest
    self.status = status
    self.attempt = attempt
    self.startedAt = startedAt
    self.updatedAt = updatedAt
    self.completedAt = completedAt
    self.error = error
    self.holder = holder
  }

  private enum CodingKeys: String, CodingKey {
    case pipelineID = "pipeline_id"
    case pipeline, key
    case inputDigest = "input_hash"
    case status, attempt
    case startedAt = "started_at"
    case updatedAt = "updated_at"
    case completedAt = "completed_at"
    case error, holder
  }
}

/// How an execution stands.
public enum PipelineStatus: String, Sendable, Hashable, Codable, CaseIterable {
  /// An attempt is under way, or was killed.
  case running
  /// Its last attempt ended with an error.
  case failed
  /// Its body returned.
  case completed
}

/// The wish to own an execution.
public struct PipelineClaim: Sendable, Hashable {
  /// The pipeline's name.
  public var pipeline: String
  /// By what an execution is found again: the digest of the pipeline's name and its input, or of the
  /// id that the program gave.
  public var key: String
  /// SHA-256 of the input.
  public var inputDigest: String
  /// The id of the execution if it is a new one.
  public var newID: String
  /// Whether an execution of the key that is not complete is gone on with.
  public var resumesUnfinished: Bool
  /// Whether one that is complete is gone on with too.
  public var resumesCompleted: Bool
  /// Who wants it.
  public var owner: LeaseOwner
  /// How long the lease lasts unless it is renewed.
  public var leaseDuration: Duration
  /// Whether it is taken from another process. Only registries in a database can.
  public var takeOver: Bool
  /// Now, in ISO 8601 UTC.
  public var time: String

  /// Makes a claim.
  public init(
    pipeline: String, key: String, inputDigest: String, newID: String,
    resumesUnfinished: Bool = true, resumesCompleted: Bool = false, owner: LeaseOwner,
    leaseDuration: Duration, takeOver: Bool = false, time: String
  ) {
    self.pipeline = pipeline
    self.key = key
    self.inputDigest = inputDigest
    self.newID = newID
    self.resumesUnfinished = resumesUnfinished
    self.resumesCompleted = resumesCompleted
    self.owner = owner
    self.leaseDuration = leaseDuration
    self.takeOver = takeOver
    self.time = time
  }

  /// The key of the executions of a pipeline with an input.
  public static func key(pipeline: String, inputDigest: String) -> String {
    digest("input", pipeline, inputDigest)
  }

  /// The key of the execution of a given id.
  public static func key(pipeline: String, id: String) -> String { digest("id", pipeline, id) }

  private static func digest(_ parts: String...) -> String {
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
    return Hexadecimal.text(of: SHA256.hash(data: Array(text.utf8)).prefix(16))
  }

  /// Whether an execution is to be gone on with.
  public func resumes(_ execution: PipelineExecution) -> Bool {
    execution.status == .completed ? resumesCompleted : resumesUnfinished
  }

  /// The new attempt of an execution, or the first one of a new execution.
  public func attempt(of former: PipelineExecution?, holder: LeaseHolder?) -> PipelineExecution {
    guard var execution = former, resumes(execution) else {
      return PipelineExecution(
        pipelineID: newID, pipeline: pipeline, key: key, inputDigest: inputDigest, status: .running,
        attempt: 1, startedAt: time, updatedAt: time, holder: holder)
    }
    execution.status = .running
    execution.attempt += 1
    execution.inputDigest = inputDigest
    execution.updatedAt = time
    execution.completedAt = nil
    execution.error = nil
    execution.holder = holder
    return execution
  }
}

/// Whether an execution is the caller's.
public enum PipelineClaimOutcome: Sendable {
  /// It is; the record as of now, the attempt counted.
  case claimed(PipelineLease, PipelineExecution)
  /// Somebody else works on it.
  case held(PipelineExecution, LeaseHolder)
}

/// The right to record checkpoints of an execution.
public struct PipelineLease: Sendable, Hashable {
  /// The execution.
  public var pipelineID: String
  /// What it was claimed by.
  public var key: String
  /// Rises with every owner.
  public var fence: Int64
  /// A random token.
  public var token: String

  /// Makes a lease.
  public init(pipelineID: String, key: String, fence: Int64, token: String) {
    self.pipelineID = pipelineID
    self.key = key
    self.fence = fence
    self.token = token
  }
}
