/// Asks for a job's lease.
///
/// A request whose answer was lost is made again as it is: whoever has the lease by it is given the
/// same lease.
public struct JobLeaseRequest: Sendable, Hashable {
  /// The job's name.
  public var job: String
  /// The id of the run that begins; nil to go on with the one that is unfinished.
  public var run: SyncID?
  /// What the plan was made of.
  public var witness: JobWitness
  /// Who asks.
  public var owner: LeaseOwner
  /// How long the lease holds unless it is renewed.
  public var duration: Duration
  /// Whether to take the lease from somebody who has it.
  public var takeOver: Bool
  /// The token of the lease, by which the request is recognised.
  public let token: String

  /// Makes a request, with a token of its own.
  public init(
    job: String, run: SyncID?, witness: JobWitness, owner: LeaseOwner, duration: Duration,
    takeOver: Bool
  ) {
    self.job = job
    self.run = run
    self.witness = witness
    self.owner = owner
    self.duration = duration
    self.takeOver = takeOver
    token = Lease.randomToken()
  }
}

/// How a job was when somebody looked at it. It is compared when its lease is taken: what was planned
/// then may not hold any more, as after a reset, or when somebody else has gone on meanwhile.
public struct JobWitness: Sendable, Hashable {
  /// The run that was under way or was the last.
  public var run: SyncID?
  /// The attempt at it.
  public var attempt: Int
  /// The newest generation of its checkpoint; 0 before the first.
  public var generation: Int
  /// The newest that was not moved aside; nil when there is none.
  public var standing: Int?

  /// Makes a witness.
  ///
  /// - Parameters:
  ///   - job: The job; nil when the sink does not know it.
  ///   - standing: The newest generation of its checkpoint that was not moved aside.
  public init(_ job: JobSchedule?, standing: Int?) {
    run = job?.run
    attempt = job?.attempt ?? 0
    generation = job?.generation ?? 0
    self.standing = standing
  }
}

/// Whether a job's lease was acquired.
public enum JobLeaseOutcome: Sendable {
  /// It is the caller's; the job as of now.
  case acquired(Lease, JobSchedule)
  /// Somebody else has it.
  case held(LeaseHolder)
  /// The job is paused.
  case paused
  /// There is no such job.
  case unknown
  /// The job is not as it was looked at. Whoever had its lease can commit no more, so that it stands
  /// still when it is looked at again; nothing else was written.
  case changed
}

extension JobLeaseRequest {
  /// Why the lease of a job is not to be had, whatever was planned; nil when it is.
  ///
  /// - Parameter job: The job; nil when there is none.
  package func refusal(by job: JobSchedule?) -> JobLeaseOutcome? {
    guard let job else { return .unknown }
    guard job.status != .paused else { return .paused }
    if !takeOver, let holder = job.holder { return .held(holder) }
    return nil
  }
}

extension JobPlan {
  /// What it was made of.
  public var witness: JobWitness {
    // Those before the one that is gone on from were refused.
    JobWitness(
      schedule, standing: choice.refused.first?.generation ?? choice.chosen?.generation)
  }
}

extension NewJob {
  /// Whether it says the same of itself as a sink has it, whose intervals are numbers of seconds.
  package func isSame(as known: NewJob) -> Bool {
    var known = known
    guard interval?.inSeconds == known.interval?.inSeconds else { return false }
    known.interval = interval
    return self == known
  }
}
