internal import Metrics

/// An attempt of a pipeline: runs its stages, or takes their saved values.
///
/// A stage is known by its name, which must be its own among the stages beside it. A stage within a
/// stage's body is named by its path, like `load/rows`. Stages may run at once, in a task group.
///
/// Bodies run in the isolation of whoever calls, so they may use an actor's state.
public struct PipelineRun: Sendable {
  /// The execution's id, like `pipeline_20251007_120000_a3f4b2c1`.
  public var id: String { execution.pipelineID }
  /// The execution, as it was when this attempt began.
  public let execution: PipelineExecution
  /// Where stages are saved.
  public let checkpoints: StageCheckpoints
  /// What became of the stages so far, in the order in which they ended.
  public var reports: [StageReport] { progress.reports }

  /// The log of events, or nil for none: for what a body has to tell, under ``id``.
  public var events: EventLog? { journal.events }

  let lease: PipelineLease
  let journal: PipelineJournal
  let progress: ExecutionProgress
  let settings: PipelineSettings
  /// Who gets the figures of the loads of its stages.
  let metrics: (any MetricsFactory)?
  let root: StageScope

  /// Reaches a fault point that the program has in a stage's body, for its crash tests.
  public func reach(_ point: FaultPoint) { checkpoints.faults.reach(point) }

  // MARK: Stages

  /// A stage whose value is rows, a `RecordBatch` or another ``ColumnarValue``: saved as Parquet.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - version: Its version. Raise it when the body changes in what it gives: what is saved under
  ///     another version is not taken.
  ///   - metadata: What else to note with the checkpoint.
  ///   - retry: Which errors are tried again.
  ///   - deadline: How long it may take, all tries included; then the body's task is cancelled, which
  ///     the body must heed.
  ///   - saves: Whether it is saved; nil for what the pipeline's settings say.
  ///   - isolation: Where the body runs.
  ///   - body: Makes the value.
  /// - Returns: What `body` made, or what is saved of an earlier attempt.
  /// - Throws: What `body` throws; ``PipelineError``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func stage<Rows: ColumnarValue>(
    _ name: String, version: Int = 1, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil, saves: Bool? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Rows
  ) async throws -> Rows {
    try await perform(
      StageRequest(name, version, metadata, retry, deadline, saves),
      StageCoding(
        encode: { .rows(try $0.recordBatch()) },
        decode: { try Rows(recordBatch: try $0.rows()) },
        account: { $1.map { ["rows": EventValue($0.rows)] } ?? [:] }), isolation: isolation, body)
  }

  /// A stage whose value is any other: saved as JSON.
  ///
  /// - Parameters: As of ``stage(_:version:metadata:retry:deadline:saves:isolation:_:)-(_,_,_,_,_,_,_,()->Rows)``.
  /// - Returns: What `body` made, or what is saved of an earlier attempt. When what is saved cannot be
  ///   read as a value of this type, the stage runs.
  /// - Throws: What `body` throws; ``PipelineError``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func stage<Value: Codable & Sendable>(
    _ name: String, version: Int = 1, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil, saves: Bool? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
  ) async throws -> Value {
    try await perform(
      StageRequest(name, version, metadata, retry, deadline, saves),
      StageCoding(encode: { .json(try JSONContent.encode($0)) }, decode: { try $0.value() }),
      isolation: isolation, body)
  }

  /// A stage without a value: it is noted that it is done.
  ///
  /// - Parameters: As of ``stage(_:version:metadata:retry:deadline:saves:isolation:_:)-(_,_,_,_,_,_,_,()->Rows)``.
  /// - Throws: What `body` throws; ``PipelineError``, ``CheckpointError``, ``FileError``.
  public func stage(
    _ name: String, version: Int = 1, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil, saves: Bool? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
  ) async throws {
    try await perform(
      StageRequest(name, version, metadata, retry, deadline, saves),
      StageCoding(encode: { .none }, decode: { _ in }), isolation: isolation, body)
  }

  /// A stage that may be larger than memory: its body writes batches as it goes.
  ///
  /// Always saved, unless nothing is: the batches are nowhere else.
  ///
  /// - Parameters: As of ``stage(_:version:metadata:retry:deadline:saves:isolation:_:)-(_,_,_,_,_,_,_,()->Rows)``;
  ///   `body` is given the writer. A second try begins with an empty file.
  /// - Returns: The batches, which are read from the checkpoint as they are asked for.
  /// - Throws: What `body` throws; ``PipelineError``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func stage(
    _ name: String, version: Int = 1, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (StageWriter) async throws -> Void
  ) async throws -> StageBatches {
    let folder = checkpoints.folder
    let written = StageCoding<StreamedStage>(
      encode: { stage in
        guard case .written(let batches) = stage else { return .none }
        return .batches(batches)
      },
      decode: { .saved(try $0.batches()) },
      account: { $1.map { ["rows": EventValue($0.rows)] } ?? [:] },
      saved: { checkpoint in .saved(try StageBatches(written: checkpoint, in: folder)) },
      unsaved: { stage in
        guard case .written(let batches) = stage else { return stage }
        return .saved(try StageBatches(unsaved: batches))
      })
    let stage = try await perform(
      StageRequest(name, version, metadata, retry, deadline, true), written, isolation: isolation
    ) {
      let writer = StageWriter(
        folder: folder, compression: checkpoints.compression, faults: checkpoints.faults)
      do {
        try await body(writer)
        return .written(try await writer.finish())
      } catch {
        await writer.discard()
        throw error
      }
    }
    guard case .saved(let batches) = stage else {
      throw CheckpointError.registry(
        checkpoints.registry.location, detail: "a stream has no checkpoint")
    }
    return batches
  }

  // MARK: Order of steps

  /// Takes the saved value of a stage, or runs it and saves its value.
  func perform<Value: Sendable>(
    _ request: StageRequest, _ coding: StageCoding<Value>,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
  ) async throws -> Value {
    let scope = scope
    let stage = PlannedStage(
      name: scope.path(of: request.name), version: request.version,
      isSequential: scope.beginsSequentially)
    let start = ContinuousClock.now
    var (decision, after) = try progress.begin(stage, reuses: settings.autoResume)
    var reason = RunReason.notRecorded
    search: while true {
      switch decision {
      case .run(let why):
        // The first obstacle is the one to tell of.
        if reason == .notRecorded { reason = why }
        break search
      case .reuse(let checkpoint):
        do {
          guard
            let loaded = try await checkpoints.loadUnlessDamaged(
              checkpoint, hearing: { journal.rejected(checkpoint, $0) })
          else {
            reason = .damaged(checkpoint.id)
            decision = progress.forget(checkpoint, of: stage)
            continue
          }
          let value = try coding.decode(loaded)
          reused(checkpoint, as: stage, loaded.cost, since: start)
          return value
        } catch let error as DecodingError {
          reason = .otherType("\(error)")
        } catch CheckpointError.otherKind(_, let holds, let asked) {
          reason = .otherType("\(holds.rawValue), not \(asked)")
        }
        decision = progress.forget(checkpoint, of: stage)
      }
    }
    journal.began(stage, because: reason)
    checkpoints.faults.reach(.stageBegun)
    do {
      return try await runAndSave(
        stage, request, coding, after: after, because: reason, since: start, isolation: isolation,
        body)
    } catch {
      journal.failed(stage, error, seconds: (ContinuousClock.now - start).inSeconds)
      throw error
    }
  }

  private func runAndSave<Value: Sendable>(
    _ stage: PlannedStage, _ request: StageRequest, _ coding: StageCoding<Value>,
    after: [StageCheckpoint.Predecessor], because reason: RunReason,
    since start: ContinuousClock.Instant, isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Value
  ) async throws -> Value {
    progress.runs()
    let (value, tries) = try await attempt(stage, request, since: start, isolation: isolation, body)
    checkpoints.faults.reach(.stageRan)
    let seconds = (ContinuousClock.now - start).inSeconds
    let content = try coding.encode(value)
    guard settings.isEnabled, request.saves ?? settings.savesAfterEachStage else {
      let report = StageReport(
        stage: stage.name, outcome: .ran(reason), checkpoint: nil, tries: tries, seconds: seconds,
        cost: CheckpointCost())
      progress.end(
        DoneStage(
          name: stage.name, dataHash: "unsaved, version \(stage.version)", wasReused: false,
          isSequential: stage.isSequential),
        saved: nil, report)
      journal.ended(report, saved: nil, account: coding.account?(value, nil) ?? [:])
      return try coding.unsaved?(value) ?? value
    }
    let label = CheckpointLabel(
      pipelineID: id, stage: stage.name, version: stage.version, metadata: request.metadata,
      inputDigest: progress.inputDigest, after: after, isSequential: stage.isSequential,
      runSeconds: seconds)
    let saved = try await checkpoints.save(content, as: label, under: lease)
    let report = StageReport(
      stage: stage.name, outcome: .ran(reason), checkpoint: saved.id, tries: tries,
      seconds: seconds, cost: saved.cost)
    progress.end(
      DoneStage(
        name: stage.name, dataHash: saved.dataHash, wasReused: false,
        isSequential: stage.isSequential),
      saved: saved, report)
    journal.ended(report, saved: saved, account: coding.account?(value, saved) ?? [:])
    return try coding.saved?(saved) ?? value
  }

  /// Runs a body until it succeeds, or fails for good.
  private func attempt<Value: Sendable>(
    _ stage: PlannedStage, _ request: StageRequest, since start: ContinuousClock.Instant,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
  ) async throws -> (Value, tries: Int) {
    let environment = checkpoints.environment
    // What a stage has spent waiting counts too.
    var failures = 0
    do {
      while true {
        do {
          let rest = request.deadline.map { $0 - (ContinuousClock.now - start) }
          if let rest, rest <= .zero, let limit = request.deadline {
            throw PipelineError.stageDeadline(stage.name, limit)
          }
          let value = try await StageDeadline.limit(
            rest, whole: request.deadline, stage: stage.name, isolation: isolation
          ) {
            let scope = StageScope(
              progress: ObjectIdentifier(progress), path: stage.name, task: StageScope.currentTask,
              isSequential: stage.isSequential)
            return try await StageScope.$current.withValue(
              scope, operation: body, isolation: isolation)
          }
          return (value, failures + 1)
        } catch {
          failures += 1
          if case PipelineError.stageDeadline(stage.name, _) = error { throw error }
          guard !Task.isCancelled, request.retry.retries(error, afterFailures: failures) else {
            throw error
          }
          let wait = request.retry.wait(afterFailures: failures, random: environment.random())
          // There is no time to try again: what went wrong says more than that the time is over.
          if let limit = request.deadline, ContinuousClock.now - start + wait >= limit {
            throw error
          }
          journal.retrying(stage, error, failures: failures, wait: wait)
          progress.tryAgain(stage.name)
          try await environment.sleep(wait)
        }
      }
    } catch {
      progress.fail(
        StageReport(
          stage: stage.name, outcome: .failed("\(error)"), checkpoint: nil, tries: failures,
          seconds: (ContinuousClock.now - start).inSeconds, cost: CheckpointCost()))
      throw error
    }
  }

  private func reused(
    _ checkpoint: StageCheckpoint, as stage: PlannedStage, _ cost: CheckpointCost,
    since start: ContinuousClock.Instant
  ) {
    let report = StageReport(
      stage: stage.name, outcome: .reused, checkpoint: checkpoint.id, tries: 0,
      seconds: (ContinuousClock.now - start).inSeconds, cost: cost)
    progress.end(
      DoneStage(
        name: stage.name, dataHash: checkpoint.dataHash, wasReused: true,
        isSequential: stage.isSequential),
      saved: nil, report, savedSeconds: max(0, (checkpoint.runSeconds ?? 0) - report.seconds))
    journal.reused(checkpoint, report)
  }

  /// The stage of this execution that the present task is in, or the pipeline itself.
  var scope: StageScope {
    guard let current = StageScope.current, current.progress == ObjectIdentifier(progress) else {
      return root
    }
    return current
  }
}

/// What a program asks of a stage.
struct StageRequest: Sendable {
  var name: String
  var version: Int
  var metadata: [String: CheckpointValue]
  var retry: StageRetry
  var deadline: Duration?
  var saves: Bool?

  init(
    _ name: String, _ version: Int, _ metadata: [String: CheckpointValue], _ retry: StageRetry,
    _ deadline: Duration?, _ saves: Bool?
  ) {
    self.name = name
    self.version = version
    self.metadata = metadata
    self.retry = retry
    self.deadline = deadline
    self.saves = saves
  }
}

/// How a stage's value is saved and read back.
struct StageCoding<Value: Sendable>: Sendable {
  var encode: @Sendable (Value) throws -> SavedContent
  var decode: @Sendable (LoadedCheckpoint) throws -> Value
  /// What its event says of a value, and of its checkpoint, if it has one.
  var account: (@Sendable (Value, StageCheckpoint?) -> EventMetadata)?
  /// What is returned for a value that was saved just now, where it is not the value itself.
  var saved: (@Sendable (StageCheckpoint) throws -> Value)?
  /// What is returned for a value that is not saved, where it is not the value itself.
  var unsaved: (@Sendable (Value) throws -> Value)?
}

/// The value of a stage that streams.
private enum StreamedStage: Sendable {
  /// Written, without a name yet.
  case written(WrittenBatches)
  case saved(StageBatches)
}
