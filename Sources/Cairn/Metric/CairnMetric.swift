/// A figure that Cairn gives to `swift-metrics`; `docs/metrics.md` lists them.
public struct CairnMetric: Sendable, Hashable {
  /// What kind it is.
  public enum Kind: String, Sendable, Hashable {
    /// It only rises.
    case counter
    /// It rises and falls.
    case gauge
    /// Durations, spread over buckets; in seconds.
    case timer
  }

  /// Its label, named as Prometheus would.
  public var name: String
  /// What kind it is.
  public var kind: Kind
  /// What it says.
  public var help: String

  init(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }

  // MARK: Runs

  /// Attempts of runs, by how they ended.
  public static let runs = CairnMetric(
    "cairn_runs_total", .counter,
    "Attempts of runs, pipelines, processors and cursor jobs, by outcome: success, partial, stopped, failed, "
      + "skipped.")
  /// How long attempts took.
  public static let runSeconds = CairnMetric(
    "cairn_run_seconds", .timer, "Duration of attempts.")
  /// When the job last succeeded.
  public static let lastSuccess = CairnMetric(
    "cairn_last_success_timestamp_seconds", .gauge,
    "When an attempt last ended as success, in seconds since 1970.")
  /// Attempts that went on from an earlier one, by how they ended.
  public static let resumes = CairnMetric(
    "cairn_resumes_total", .counter,
    "Attempts that went on from an earlier one, by outcome; success over all is the recovery success "
      + "rate.")
  /// From the begin of a resumed attempt to its first new row.
  public static let resumeSeconds = CairnMetric(
    "cairn_time_to_resume_seconds", .timer,
    "From the begin of a resumed attempt to the first row or batch it committed, or stage it ran.")
  /// What resumed attempts did not do again.
  public static let savedSeconds = CairnMetric(
    "cairn_time_saved_seconds_total", .counter,
    "Time that resumed attempts would have taken longer from the beginning.")

  // MARK: Rows and bytes

  /// Rows by what became of them.
  public static let rows = CairnMetric(
    "cairn_rows_total", .counter,
    "Rows committed, by fate: inserted, updated, unchanged, superseded, kept, rejected.")
  /// Rejected rows.
  public static let rejects = CairnMetric("cairn_rejects_total", .counter, "Rows rejected.")
  /// Source bytes read.
  public static let sourceBytes = CairnMetric(
    "cairn_source_bytes_total", .counter, "Decompressed source bytes of chunks that were parsed.")
  /// Missing values.
  public static let missingRate = CairnMetric(
    "cairn_missing_rate", .gauge, "Share of values that are missing in the last attempt, 0 to 1.")
  /// Outliers.
  public static let outliers = CairnMetric(
    "cairn_outliers_total", .counter,
    "Numbers more than three standard deviations from the mean of their column in their chunk.")

  // MARK: Chunks

  /// Chunks by what became of them.
  public static let chunks = CairnMetric(
    "cairn_chunks_total", .counter,
    "Chunks, by fate: converted, reused (from their files), committed, skipped (committed before), "
      + "failed, damaged.")
  /// Commits.
  public static let commits = CairnMetric(
    "cairn_commits_total", .counter, "Chunks, entity batches and pages of cursor jobs committed.")
  /// How long commits took.
  public static let commitSeconds = CairnMetric(
    "cairn_commit_seconds", .timer, "Duration of the commits of chunks, entity batches and pages.")
  /// What was tried again.
  public static let retries = CairnMetric(
    "cairn_retries_total", .counter,
    "Operations of the sink, stages and batches that failed and were tried again.")
  /// How long checkpoints took.
  public static let checkpointSeconds = CairnMetric(
    "cairn_checkpoint_seconds", .timer,
    "Encoding, writing and syncing the file of a chunk or a stage; the mark of an entity batch.")
  /// Bytes of checkpoints.
  public static let checkpointBytes = CairnMetric(
    "cairn_checkpoint_bytes_total", .counter,
    "Bytes of checkpoint files, and of the state of entity batches.")

  // MARK: Stages

  /// Stages by what became of them.
  public static let stages = CairnMetric(
    "cairn_stages_total", .counter,
    "Stages of pipelines, by fate: ran, reused (from their checkpoints), failed.")
  /// How long stages took.
  public static let stageSeconds = CairnMetric(
    "cairn_stage_seconds", .timer, "Duration of the bodies of stages, with their retries.")
  /// Checkpoints of stages by what became of them.
  public static let checkpoints = CairnMetric(
    "cairn_checkpoints_total", .counter,
    "Checkpoints of stages, by fate: saved, loaded, damaged, deleted.")

  // MARK: Entity batches

  /// Batches by what became of them.
  public static let batches = CairnMetric(
    "cairn_batches_total", .counter, "Entity batches, by fate: committed, retried, failed.")
  /// Entities by what became of them.
  public static let entities = CairnMetric(
    "cairn_entities_total", .counter,
    "Entities, by fate: committed, skipped (committed by an earlier attempt or run).")

  // MARK: Upkeep

  /// Clean-ups by how they ended.
  public static let cleanups = CairnMetric(
    "cairn_cleanups_total", .counter,
    "Deletions of what is past its use, by outcome: success, failed.")
  /// Corrected rows.
  public static let replayedRows = CairnMetric(
    "cairn_replayed_rows_total", .counter,
    "Corrected rows loaded in the place of rejects, by fate: inserted, updated, unchanged, kept, "
      + "superseded, left.")
  /// Verifications by how they ended.
  public static let verifications = CairnMetric(
    "cairn_verifications_total", .counter,
    "Folders of chunk files read back in full, by outcome: success, failed.")
  /// Leases taken from other processes, and lost to them.
  public static let leases = CairnMetric(
    "cairn_leases_total", .counter, "Leases, by fate: taken, lost to another process.")
  /// Waiting for other processes.
  public static let leaseWaitSeconds = CairnMetric(
    "cairn_lease_wait_seconds", .timer, "Waiting for a run that another process owns.")

  // MARK: Cursor jobs

  /// Requests to APIs.
  public static let jobRequests = CairnMetric(
    "cairn_job_requests_total", .counter, "Requests that cursor jobs made to their APIs.")
  /// Records that were extracted.
  public static let jobRecords = CairnMetric(
    "cairn_job_records_total", .counter,
    "Records (issues, pull requests) that cursor jobs committed.")
  /// Partitions by what became of them.
  public static let jobPartitions = CairnMetric(
    "cairn_job_partitions_total", .counter,
    "Partitions (repositories, projects) of cursor jobs, by fate: finished, passed_over, failed.")
  /// What is left of an API's limit.
  public static let jobRateLimit = CairnMetric(
    "cairn_job_rate_limit_remaining", .gauge, "Calls that the API's limit last had left.")
  /// Waiting for APIs.
  public static let jobWaitSeconds = CairnMetric(
    "cairn_job_wait_seconds", .timer,
    "Waiting of an attempt for its API: for limits, and between tries.")
  /// Checks of target and marks.
  public static let jobChecks = CairnMetric(
    "cairn_job_checks_total", .counter,
    "Checks of target and marks after recoveries, by outcome: consistent, inconsistent.")
  /// Recoveries that failed.
  public static let jobRecoveryFailures = CairnMetric(
    "cairn_job_recovery_failures_total", .counter,
    "Recoveries of cursor jobs that came to nothing, or did not hold the checks.")
  /// Checkpoints that were not valid.
  public static let jobInvalidCheckpoints = CairnMetric(
    "cairn_job_invalid_checkpoints_total", .counter,
    "Checkpoints of cursor jobs that were not valid, by kind: invalid, corrupt.")
  /// The size of checkpoints.
  public static let jobCheckpointSize = CairnMetric(
    "cairn_job_checkpoint_size_bytes", .gauge, "The size of the last checkpoint of a cursor job.")

  // MARK: Health of cursor jobs

  /// Whether all measures of the health are within their thresholds.
  public static let healthIsWell = CairnMetric(
    "cairn_health_well", .gauge,
    "Whether each measure of the health of cursor jobs is at most its threshold: 1, or 0.")
  /// Bytes of stored checkpoints.
  public static let healthStorage = CairnMetric(
    "cairn_health_checkpoint_storage_usage_bytes", .gauge,
    "Bytes of the stored checkpoints of all cursor jobs.")
  /// Checkpoints that were not valid.
  public static let healthValidationFailures = CairnMetric(
    "cairn_health_checkpoint_validation_failures", .gauge,
    "Checkpoints of cursor jobs that were not valid, in the time that was looked at.")
  /// Recoveries that failed.
  public static let healthRecoveryFailures = CairnMetric(
    "cairn_health_recovery_failures", .gauge,
    "Recoveries of cursor jobs that came to nothing, or did not hold the checks, in that time.")
  /// Checkpoints that were damaged.
  public static let healthCorruption = CairnMetric(
    "cairn_health_checkpoint_corruption_incidents", .gauge,
    "Checkpoints of cursor jobs whose bytes were not what was written, in that time.")

  /// All of them.
  public static let all: [CairnMetric] = [
    runs, runSeconds, lastSuccess, resumes, resumeSeconds, savedSeconds, rows, rejects, sourceBytes,
    missingRate, outliers, chunks, commits, commitSeconds, retries, checkpointSeconds,
    checkpointBytes, stages, stageSeconds, checkpoints, batches, entities, cleanups, replayedRows,
    verifications, leases, leaseWaitSeconds, jobRequests, jobRecords, jobPartitions,
    jobRateLimit, jobWaitSeconds, jobChecks, jobRecoveryFailures, jobInvalidCheckpoints,
    jobCheckpointSize, healthIsWell, healthStorage, healthValidationFailures,
    healthRecoveryFailures, healthCorruption,
  ]
}
