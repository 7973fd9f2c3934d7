/// A run as the sink knows it: the row of `sync_metadata`.
public struct RunRecord: Sendable, Hashable, Codable {
  /// What was known when it began.
  public var new: NewRun
  /// Its number among the runs of the sink; a later run has a larger one.
  public var sequence: Int64
  /// How it stands.
  public var status: RunStatus
  /// What it is doing, while it is not finished: `converting`, `processing`, `finishing`.
  public var phase: String
  /// How many attempts were made.
  public var attempt: Int
  /// Where the source ends, once known.
  public var end: SourceEnd?
  /// What became of its rows so far, summed from the ledger when the record was read.
  public var counts: RowCounts
  /// Chunks committed so far.
  public var committedChunks: Int
  /// The last error, without row values or secrets.
  public var error: String?
  /// When the last attempt began, in ISO 8601 UTC.
  public var attemptStartedAt: String
  /// When it finished, in ISO 8601 UTC.
  public var completedAt: String?
  /// When it was abandoned, in ISO 8601 UTC.
  public var abandonedAt: String?
  /// Who holds the lease, if somebody does.
  public var holder: LeaseHolder?

  /// Makes a record from its parts.
  public init(
    new: NewRun, sequence: Int64, status: RunStatus, phase: String, attempt: Int,
    end: SourceEnd? = nil, counts: RowCounts = RowCounts(), committedChunks: Int = 0,
    error: String? = nil, attemptStartedAt: String, completedAt: String? = nil,
    abandonedAt: String? = nil, holder: LeaseHolder? = nil
  ) {
    self.new = new
    self.sequence = sequence
    self.status = status
    self.phase = phase
    self.attempt = attempt
    self.end = end
    self.counts = counts
    self.committedChunks = committedChunks
    self.error = error
    self.attemptStartedAt = attemptStartedAt
    self.completedAt = completedAt
    self.abandonedAt = abandonedAt
    self.holder = holder
  }

  /// The run's id.
  public var syncID: SyncID { new.syncID }
}

/// What is known of a run when it begins.
public struct NewRun: Sendable, Hashable, Codable {
  /// The run's id.
  public var syncID: SyncID
  /// The job's name.
  public var job: String
  /// The target table, as the user wrote it.
  public var table: String
  /// Who the source is.
  public var source: SourceIdentity
  /// The source's name.
  public var sourceName: String
  /// SHA-256 of what decides which rows land, in lower-case hexadecimal.
  public var jobDigest: String
  /// Everything resolved (layout, column rules, chunk limits, target), as JSON, so that a resume
  /// derives nothing again.
  public var resolved: String
  /// By what the target is recognised.
  public var witness: TargetWitness
  /// The folder of the run's chunk files, absolute, or nil when it has none.
  public var checkpointDirectory: String?
  /// When it began, in ISO 8601 UTC.
  public var startedAt: String

  /// Makes a description of a run to begin.
  public init(
    syncID: SyncID, job: String, table: String, source: SourceIdentity, sourceName: String,
    jobDigest: String, resolved: String, witness: TargetWitness, checkpointDirectory: String?,
    startedAt: String
  ) {
    self.syncID = syncID
    self.job = job
    self.table = table
    self.source = source
    self.sourceName = sourceName
    self.jobDigest = jobDigest
    self.resolved = resolved
    self.witness = witness
    self.checkpointDirectory = checkpointDirectory
    self.startedAt = startedAt
  }
}

/// How a run stands. Finished runs are reported in capitals, as `SUCCESS`.
public enum RunStatus: String, Sendable, Hashable, Codable, CaseIterable {
  /// The source is being converted.
  case converting
  /// All of it is converted, nothing is committed yet.
  case ready
  /// Chunks are being committed.
  case processing
  /// Finished: every row is accounted for.
  case completed
  /// Ended with failed chunks or steps, which a resume repeats.
  case partialSuccess = "partial_success"
  /// Ended by an error; a resume goes on.
  case failed
}

/// A run's id, like `sync_20250129_143022_a3f4b2c1`.
public struct SyncID: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The id's text.
  public var description: String

  /// Takes an id's text; nil unless it is `sync_`, eight digits, `_`, six digits, `_` and eight
  /// lower-case hexadecimal digits, so that it is safe as the name of a folder.
  public init?(_ text: String) {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "sync", parts[1].utf8.count == 8,
      parts[2].utf8.count == 6, parts[3].utf8.count == 8,
      (parts[1] + parts[2]).utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      parts[3].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    description = text
  }

  /// Takes a text that is known to have the form.
  init(unchecked text: String) { description = text }

  /// Reads the text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = SyncID(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not a sync id")
    }
    self = id
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// Where a source ends, and so how many chunks a complete run has.
public struct SourceEnd: Sendable, Hashable, Codable {
  /// The position after the last chunk: its `chunk` is the number of chunks.
  public var position: SourcePosition

  /// Makes an end.
  public init(position: SourcePosition) { self.position = position }
}

/// Which runs to list.
public struct RunFilter: Sendable, Hashable {
  /// Only this run.
  public var syncID: SyncID?
  /// Only runs into this table.
  public var table: String?
  /// Only runs of a source with this fingerprint.
  public var fingerprint: String?
  /// Only runs that are neither completed nor abandoned.
  public var unfinishedOnly = false
  /// Also runs that were abandoned.
  public var includesAbandoned = false
  /// The most runs to return.
  public var limit: Int?

  /// Makes a filter.
  public init(
    syncID: SyncID? = nil, table: String? = nil, fingerprint: String? = nil,
    unfinishedOnly: Bool = false, includesAbandoned: Bool = false, limit: Int? = nil
  ) {
    self.syncID = syncID
    self.table = table
    self.fingerprint = fingerprint
    self.unfinishedOnly = unfinishedOnly
    self.includesAbandoned = includesAbandoned
    self.limit = limit
  }
}

/// Whether a run began.
public enum BeginOutcome: Sendable {
  /// It began, leased to the caller.
  case began(RunRecord, Lease)
  /// One of the same target, source and job is there already.
  case exists(RunRecord)
}

/// A change to a run's own row.
public struct RunUpdate: Sendable, Hashable {
  /// The new status.
  public var status: RunStatus
  /// The new phase.
  public var phase: String
  /// The error to record, or nil to clear it.
  public var error: String?

  /// Makes an update.
  public init(status: RunStatus, phase: String, error: String? = nil) {
    self.status = status
    self.phase = phase
    self.error = error
  }
}

/// How a run is to be finished.
public struct FinishRequest: Sendable, Hashable {
  /// The status to set if the proof holds: `completed`, `partialSuccess`, or `processing` when steps
  /// follow before the run is over.
  public var status: RunStatus
  /// The target.
  public var target: TargetTable
  /// What to record as the run's error, or nil.
  public var error: String?

  /// Makes a request.
  public init(status: RunStatus, target: TargetTable, error: String? = nil) {
    self.status = status
    self.target = target
    self.error = error
  }
}
