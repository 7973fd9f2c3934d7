/// How an attempt at a job's run ends.
public struct JobEnd: Sendable, Hashable {
  /// The job's status from now on: `finished`, `failed`, or `pending` when it was stopped.
  public var status: JobStatus
  /// The error, or why it stopped.
  public var error: String?
  /// When it runs next, counted from now; nil by its interval: after an end that interval from now, after
  /// a stop or failure at once.
  public var nextRunIn: Duration?
  /// The generation that was committed last. Where the sink has an older one, commits that it
  /// acknowledged are gone, and the end is refused (``SinkError/incomplete(_:)``): a run whose last
  /// pages are lost is not finished. Nil not to ask.
  public var generation: Int?
  /// For the history.
  public var facts: [JobFact]

  /// Makes it.
  public init(
    status: JobStatus, error: String? = nil, nextRunIn: Duration? = nil, generation: Int? = nil,
    facts: [JobFact] = []
  ) {
    self.status = status
    self.error = error
    self.nextRunIn = nextRunIn
    self.generation = generation
    self.facts = facts
  }
}

extension JobEnd {
  /// Throws unless an attempt at a job can end so.
  package func check(against job: JobSchedule) throws(SinkError) {
    guard [.finished, .failed, .pending].contains(status) else {
      throw .fatal("no attempt ends as \(status.rawValue)", remedy: "")
    }
    if let generation, job.generation < generation {
      throw .incomplete(
        "job '\(job.job.name)' has come to generation \(generation), but the database has"
          + " generation \(job.generation): it has lost pages that it had committed")
    }
  }
}
