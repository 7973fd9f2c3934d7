/// What a job does next: a pure function of how it stands.
///
/// `docs/jobs.md` has the truth table. A job runs in every case where that is safe: also one that was
/// killed, and one that failed and was never tried again.
public struct RecoveryPlan: Sendable, Hashable {
  /// How the job begins.
  public var kind: Kind
  /// From where, also where it has to wait first.
  public var basis: Basis
  /// Why, in words.
  public var reason: String
  /// Why everything is read though there was a checkpoint, or is known to have been one: in words; nil
  /// otherwise.
  public var anew: String?
  /// What keeps it from running; nil when it may run.
  public var obstacle: Obstacle?

  /// How a job begins.
  public enum Kind: Sendable, Hashable {
    /// With no checkpoint: everything is read.
    case freshStart
    /// A run goes on from its checkpoint.
    case checkpointResume
    /// As it failed: after a wait, from the checkpoint if there is one.
    case retryWithBackoff(after: Duration)
    /// A new run, of what changed since the last one.
    case normal

    /// The name, as the command prints it.
    public var name: String {
      switch self {
      case .freshStart: "fresh_start"
      case .checkpointResume: "checkpoint_resume"
      case .retryWithBackoff: "retry_with_backoff"
      case .normal: "normal"
      }
    }
  }

  /// From where a job begins.
  public enum Basis: String, Sendable, Hashable, CaseIterable {
    /// From nothing: all records are read.
    case nothing
    /// From the checkpoint of its run.
    case checkpoint
    /// From where its run began, of which the checkpoint is kept for reference.
    case restart
    /// From the end of the last run.
    case lastRun = "last_run"

    fileprivate var kind: Kind {
      switch self {
      case .nothing, .restart: .freshStart
      case .checkpoint: .checkpointResume
      case .lastRun: .normal
      }
    }
  }

  /// What keeps a job from running.
  public enum Obstacle: Sendable, Hashable {
    /// It is paused.
    case paused
    /// Another process works on it.
    case held(LeaseHolder)
    /// None of its checkpoints is valid.
    case invalidCheckpoint
  }

  /// What the plan is made of.
  public struct Standing: Sendable, Hashable {
    /// The status.
    public var status: JobStatus
    /// The checkpoint.
    public var checkpoint: CheckpointStanding
    /// Whether the newest checkpoint is of the run that the status is about. A finished one then only
    /// lacks its end.
    public var isOfThisRun: Bool
    /// Attempts in a row that failed.
    public var retryCount: Int
    /// How long ago the last attempt ended.
    public var sinceEnd: Duration?
    /// Who works on it.
    public var holder: LeaseHolder?
    /// What becomes of an interrupted run.
    public var recovery: JobRecovery
    /// Whether what decides which records land has changed since the checkpoint.
    public var scopeChanged: Bool
    /// Why the rows that the checkpoint knows of are not there, in words: a table is gone or empty, or
    /// the job writes to other tables. Nil where they are.
    public var targetChange: String?
    /// The generation that the job's checkpoint had come to where there is none any more; 0 otherwise.
    public var lostGeneration: Int

    /// Makes it.
    public init(
      status: JobStatus, checkpoint: CheckpointStanding, isOfThisRun: Bool = true,
      retryCount: Int = 0, sinceEnd: Duration? = nil, holder: LeaseHolder? = nil,
      recovery: JobRecovery = .resume, scopeChanged: Bool = false, targetChange: String? = nil,
      lostGeneration: Int = 0
    ) {
      self.status = status
      self.checkpoint = checkpoint
      self.isOfThisRun = isOfThisRun
      self.retryCount = retryCount
      self.sinceEnd = sinceEnd
      self.holder = holder
      self.recovery = recovery
      self.scopeChanged = scopeChanged
      self.targetChange = targetChange
      self.lostGeneration = lostGeneration
    }
  }

  /// Makes a plan.
  ///
  /// - Parameter backoff: The waits between attempts that fail.
  public static func of(_ standing: Standing, backoff: RetryPolicy) -> RecoveryPlan {
    var plan = RecoveryPlan(kind: .normal, basis: .lastRun, reason: "")
    switch standing.checkpoint {
    case .none, .invalid:
      plan.basis = .nothing
      plan.reason = "there is no checkpoint"
      if standing.checkpoint == .none, standing.lostGeneration > 0 {
        plan.anew =
          "its checkpoints, up to generation \(standing.lostGeneration), are gone, so that everything"
          + " is read"
      }
    case _ where standing.scopeChanged:
      plan.basis = .nothing
      plan.anew = "the job's scope has changed since its checkpoint, so that everything is read"
    case _ where standing.targetChange != nil:
      plan.basis = .nothing
      plan.anew = standing.targetChange.map { "\($0), so that everything is read" }
    case .unfinished:
      (plan.basis, plan.reason) = interrupted(standing)
    case .finished where standing.status == .running && standing.isOfThisRun:
      plan.basis = .checkpoint
      plan.reason = "the run is finished but for its end"
    case .finished:
      plan.basis = .lastRun
      plan.reason = "the last run is finished; what changed since is read"
    }
    plan.kind = plan.basis.kind
    if let anew = plan.anew { plan.reason = anew }
    // A job that was interrupted, not failed, does not wait.
    if standing.status == .failed, standing.retryCount > 0 {
      let wait = Backoff.wait(
        afterFailures: standing.retryCount, policy: backoff, random: 0)
      let failed =
        standing.retryCount == 1
        ? "the last attempt failed" : "the last \(standing.retryCount) attempts failed"
      plan.reason = "\(failed); \(plan.reason)"
      plan.kind = .retryWithBackoff(after: max(.zero, wait - (standing.sinceEnd ?? wait)))
    }
    if standing.checkpoint == .invalid {
      plan.obstacle = .invalidCheckpoint
      plan.reason = "there are checkpoints, and none of them is valid"
    } else if standing.status == .paused {
      plan.obstacle = .paused
    } else if let holder = standing.holder {
      plan.obstacle = .held(holder)
    }
    return plan
  }

  private static func interrupted(_ standing: Standing) -> (Basis, String) {
    let how =
      switch standing.status {
      case .running: "the run was killed"
      case .failed: "the run failed"
      case .pending, .paused, .finished: "the run was stopped"
      }
    switch standing.recovery {
    case .resume: return (.checkpoint, "\(how); it goes on from its checkpoint")
    case .restart:
      return (
        .restart,
        "\(how); it begins anew (recovery: restart), and its checkpoint is kept for reference"
      )
    }
  }
}
