internal import Logging
public import Metrics

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Runs pipelines: ordinary code whose stages are saved, so that a later attempt goes on where the
/// last one ended.
///
/// ```swift
/// let pipelines = Pipelines()
/// try await pipelines.run("stocks", input: request) { run in
///   let raw = try await run.stage("data_extraction") { try await download(request) }
///   let clean = try await run.stage("data_validation", version: 2) { try validate(raw) }
///   try await run.stage("load", into: sink) { clean }
/// }
/// ```
///
/// An execution is found again by the pipeline's name and the digest of its input: one that is not
/// complete is gone on with, under its id, and its saved stages are not run again. Once it is complete,
/// the next call is a new execution. A program that gives an `id` of its own goes on with that one, also
/// when it is complete: then all its stages come from their checkpoints.
///
/// What may be reused ``ReusePlan`` decides; `cairn pipeline plan` shows it.
public struct Pipelines: Sendable {
  /// Where stages are saved.
  public var checkpoints: StageCheckpoints
  /// What is saved and resumed, and for how long it is kept.
  public var settings: PipelineSettings
  /// How long an execution in a database's registry is kept for a silent process.
  public var leaseDuration: Duration
  /// Whether an execution that another process works on is taken from it; only in a database's registry.
  public var takeOver: Bool
  /// The log of events, or nil for none.
  public var events: EventLog?
  /// Who gets the figures, or nil for the backend that the program has set up for `swift-metrics`.
  public var metrics: (any MetricsFactory)?

  /// Runs pipelines with their checkpoints in a place.
  ///
  /// - Parameters:
  ///   - checkpoints: Where stages are saved; nil for the folder that the settings name.
  ///   - settings: What is saved and resumed.
  ///   - leaseDuration: How long an execution in a database's registry is kept for a silent process.
  ///   - takeOver: Whether an execution is taken from another process.
  ///   - events: The log of events, or nil for none.
  ///   - metrics: Who gets the figures.
  public init(
    checkpoints: StageCheckpoints? = nil, settings: PipelineSettings = PipelineSettings(),
    leaseDuration: Duration = .seconds(60), takeOver: Bool = false, events: EventLog? = nil,
    metrics: (any MetricsFactory)? = nil
  ) {
    self.checkpoints = checkpoints ?? StageCheckpoints(directory: settings.directory)
    self.settings = settings
    self.leaseDuration = leaseDuration
    self.takeOver = takeOver
    self.events = events
    self.metrics = metrics
  }

  /// Runs a pipeline, or goes on with its unfinished execution.
  ///
  /// - Parameters:
  ///   - name: The pipeline's name.
  ///   - input: What the pipeline is about. An execution belongs to its input: with another one,
  ///     nothing is reused.
  ///   - id: The execution's id, for programs that have one of their own; nil to find the unfinished
  ///     one of this input or begin one.
  ///   - isolation: Where the body runs.
  ///   - body: The pipeline.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; ``PipelineError/ownedElsewhere(_:_:)`` when another process works on
  ///   the execution; ``CheckpointError``, ``FileError``, or what the registry throws.
  public func run<Input: Encodable & Sendable, Result>(
    _ name: String, input: Input, id: String? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (PipelineRun) async throws -> Result
  ) async throws -> Result {
    let digest = try Self.digest(of: input)
    guard !name.isEmpty, id?.isEmpty != true else {
      throw CheckpointError.invalidName(name, detail: "it is empty")
    }
    let journal = PipelineJournal(self, pipeline: name, id: id)
    let run: PipelineRun
    do {
      run = try await begin(name, inputDigest: digest, id: id, journal)
    } catch {
      let id = (error as? PipelineError)?.execution
      (id.map { journal.of($0) } ?? journal).failed(error, nil)
      throw error
    }
    let keeper = keepLease(of: run)
    do {
      let result = try await StageScope.$current.withValue(
        run.root, operation: { try await body(run) }, isolation: isolation)
      checkpoints.faults.reach(.stagesDone)
      keeper.cancel()
      try await end(run, error: nil)
      run.journal.completed(run.progress.account)
      await tidy(run)
      return result
    } catch {
      keeper.cancel()
      // The error that counts is the first.
      try? await end(run, error: error)
      run.journal.failed(error, run.progress.account)
      await tidy(run)
      throw error
    }
  }

  /// Runs a pipeline without input, or goes on with its unfinished execution.
  ///
  /// - Parameters: As of ``run(_:input:id:isolation:_:)``.
  /// - Returns: What `body` returns.
  /// - Throws: As ``run(_:input:id:isolation:_:)``.
  public func run<Result>(
    _ name: String, id: String? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (PipelineRun) async throws -> Result
  ) async throws -> Result {
    try await run(name, input: CheckpointValue.null, id: id, isolation: isolation, body)
  }

  /// SHA-256 of an input, in lower-case hexadecimal: of its JSON with sorted keys.
  public static func digest(of input: some Encodable) throws -> String {
    JSONContent.digest(of: try JSONContent.encode(input))
  }

  // MARK: Begin and end

  private func begin(
    _ name: String, inputDigest: String, id: String?, _ journal: PipelineJournal
  ) async throws -> PipelineRun {
    let environment = checkpoints.environment
    guard settings.isEnabled else {
      return unsavedRun(name, inputDigest: inputDigest, id: id, journal)
    }
    let registry = checkpoints.registry
    try await registry.prepare()
    let key =
      id.map { PipelineClaim.key(pipeline: name, id: $0) }
      ?? PipelineClaim.key(pipeline: name, inputDigest: inputDigest)
    let outcome = try await registry.claim(
      PipelineClaim(
        pipeline: name, key: key, inputDigest: inputDigest, newID: id ?? newID(),
        resumesUnfinished: settings.autoResume || id != nil, resumesCompleted: id != nil,
        owner: .current(), leaseDuration: leaseDuration, takeOver: takeOver,
        time: CheckpointName.timestamp(ofNanoseconds: environment.now())))
    switch outcome {
    case .held(let execution, let holder):
      throw PipelineError.ownedElsewhere(execution, holder)
    case .claimed(let lease, let execution):
      do {
        let recorded =
          execution.attempt > 1 || id != nil
          ? try await registry.checkpoints(CheckpointFilter(pipelineID: execution.pipelineID)) : []
        let journal = journal.of(execution.pipelineID)
        journal.began(execution, lease, checkpoints: registry.location)
        return makeRun(execution, lease, recorded: recorded, journal)
      } catch {
        try? await registry.end(lease, error: ErrorSummary.of(error), at: now)
        throw error
      }
    }
  }

  private func makeRun(
    _ execution: PipelineExecution, _ lease: PipelineLease, recorded: [StageCheckpoint],
    _ journal: PipelineJournal
  ) -> PipelineRun {
    let progress = ExecutionProgress(
      pipelineID: execution.pipelineID, inputDigest: execution.inputDigest,
      attempt: execution.attempt, recorded: recorded)
    return PipelineRun(
      execution: execution, checkpoints: checkpoints, lease: lease, journal: journal,
      progress: progress, settings: settings, metrics: metrics,
      root: StageScope(
        progress: ObjectIdentifier(progress), path: "", task: StageScope.currentTask,
        isSequential: true))
  }

  /// A run of which nothing is saved.
  private func unsavedRun(
    _ name: String, inputDigest: String, id: String?, _ journal: PipelineJournal
  ) -> PipelineRun {
    let id = id ?? newID()
    let execution = PipelineExecution(
      pipelineID: id, pipeline: name, key: "", inputDigest: inputDigest, status: .running,
      attempt: 1, startedAt: now, updatedAt: now)
    let journal = journal.of(id)
    journal.began(execution, nil, checkpoints: nil)
    return makeRun(
      execution, PipelineLease(pipelineID: id, key: "", fence: 0, token: ""), recorded: [], journal)
  }

  private func newID() -> String {
    let environment = checkpoints.environment
    let hex = String(UInt32(truncatingIfNeeded: environment.random()), radix: 16)
    return "pipeline_" + CheckpointName.stamp(ofNanoseconds: environment.now()) + "_"
      + String(repeating: "0", count: 8 - hex.count) + hex
  }

  private var now: String {
    CheckpointName.timestamp(ofNanoseconds: checkpoints.environment.now())
  }

  /// Prolongs the lease until the task is cancelled. Whoever lost it hears so from the next save.
  private func keepLease(of run: PipelineRun) -> Task<Void, Never> {
    let duration = leaseDuration
    let registry = checkpoints.registry
    let isNeeded = settings.isEnabled && !(registry is FolderRegistry)
    return Task {
      while isNeeded, !Task.isCancelled {
        do {
          try await Task.sleep(for: duration / 3)
          try await registry.renew(run.lease, duration: duration)
        } catch is CancellationError {
          return
        } catch PipelineError.overtaken {
          return
        } catch {
          run.journal.leaseNotRenewed(error)
        }
      }
    }
  }

  /// Records how the attempt ended.
  private func end(_ run: PipelineRun, error: (any Error)?) async throws {
    guard settings.isEnabled else { return }
    try await checkpoints.registry.end(run.lease, error: error.map(ErrorSummary.of), at: now)
  }

  /// Deletes what has expired, of checkpoints and of the log.
  private func tidy(_ run: PipelineRun) async {
    if settings.isEnabled {
      do {
        let deleted = try await checkpoints.tidy(retention: settings.retention)
        if !deleted.isEmpty { run.journal.cleanedUp(deleted) }
      } catch {
        // The pipeline does not depend on it.
        run.journal.notCleanedUp(error)
      }
    }
    await events?.cleanUp()
  }
}

extension PipelineError {
  /// The execution that another process works on.
  fileprivate var execution: String? {
    guard case PipelineError.ownedElsewhere(let execution, _) = self else { return nil }
    return execution.pipelineID
  }
}

extension StageCheckpoints {
  /// The clean-up at the end of a pipeline: deletes expired checkpoints, and once an hour what else has
  /// expired. Where there are thousands of checkpoints it looks for expired ones once an hour, too.
  ///
  /// - Returns: The checkpoints that it deleted.
  func tidy(retention: Duration) async throws -> [StageCheckpoint] {
    let folder = folder
    let now = environment.now()
    let isDue = try await onWorker { try folder.isCleanUpDue(now: now) }
    let own = registry as? FolderRegistry
    var deleted: [StageCheckpoint] = []
    if isDue {
      deleted = try await deleteExpired(olderThan: retention)
    } else if own?.isLarge != true {
      deleted = try await expired(olderThan: retention)
      try await delete(deleted)
    }
    try await own?.foldIfDue()
    return deleted
  }
}
