internal import Metrics

/// Loads the rows of a stage into a table, as a run of its own: each batch is committed with its mark in
/// one transaction, where the rows land. The sink's ledger is the truth about it; a stage that is
/// repeated after a crash goes on behind the last batch that was committed.
struct StageLoad: Sendable {
  /// The execution and the stage's path: with the rows' digest, what tells these rows from any others.
  let pipelineID: String
  let stage: String
  let pipeline: String
  let checkpoints: StageCheckpoints
  let events: EventLog?
  let metrics: (any MetricsFactory)?

  func load(
    _ rows: StageRows, into sink: some Sink, table: String, key: [String], mode: LoadMode?
  ) async throws -> Receipt {
    let columns = rows.columns
    guard !columns.isEmpty else {
      throw PipelineError.unsupported(
        "stage '\(stage)' gives rows without columns, so nothing says what table they belong to")
    }
    let job = Job(
      name: Self.jobName(pipeline, stage), checkpoint: CheckpointOptions(enabled: false),
      columns: columns.map {
        ColumnRule(name: $0.name, type: $0.type, required: key.contains($0.name))
      },
      // What a stage gives is meant to be right: a row that is refused fails it.
      errors: ErrorPolicy(maximumRate: 0, maximumRows: 0),
      sink: SinkOptions(url: "", table: table, key: key, mode: mode))
    let place = "\(pipelineID)/\(stage)"
    func source(of digest: String) -> BatchSource {
      BatchSource(name: place, fingerprint: "\(place)/\(digest)") { try await rows.batch($0) }
    }
    let own = source(of: rows.digest)
    if mode ?? (key.isEmpty ? .append : .upsert) == .append {
      // A digest is behind the last of what they have in common.
      let common = try await source(of: "").identify().fingerprint
      try await refuseToAddTwice(
        to: table, of: sink, prefix: common, but: try await own.identify().fingerprint)
    }
    let outcome = try await Cairn.load(
      job, from: own, into: sink,
      options: LoadOptions(
        logger: checkpoints.logger, events: events, metrics: metrics,
        environment: checkpoints.environment, faults: checkpoints.faults))
    switch outcome {
    case .done(let receipt): return receipt
    case .partial(let receipt): throw PipelineError.loadIncomplete(stage, receipt)
    case .stopped(_, let reason): throw PipelineError.loadStopped(stage, reason)
    }
  }

  /// Refuses to append rows where this execution of the stage has appended others before: it would add
  /// to those that are there, which came of another version of the stage or of one before it.
  ///
  /// - Parameters:
  ///   - prefix: What the fingerprints of all rows of this execution's stage begin with.
  ///   - fingerprint: That of the rows which are to be appended: these may be gone on with.
  private func refuseToAddTwice(
    to table: String, of sink: some Sink, prefix: String, but fingerprint: String
  ) async throws {
    let former = try await sink.runs(RunFilter(table: table)).first(where: { run in
      let other = run.new.source.fingerprint
      // Behind the digest nothing follows; otherwise it is a stage within this one.
      return other != fingerprint && other.hasPrefix(prefix) && run.committedChunks > 0
        && !other.dropFirst(prefix.count).contains("/")
    })
    guard let former else { return }
    throw PipelineError.addsTwice(stage, table: table, former)
  }

  /// A job's name is of lower-case letters, digits and underscores.
  private static func jobName(_ pipeline: String, _ stage: String) -> String {
    String(
      "\(pipeline)_\(stage)".lowercased().map { character in
        character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
      })
  }
}

/// The rows of a stage, in memory or in its checkpoint.
enum StageRows: Sendable {
  case batch(RecordBatch)
  case batches(StageBatches)

  var columns: [ChunkColumn] {
    switch self {
    case .batch(let batch): batch.columns.map { ChunkColumn(name: $0.name, type: $0.type) }
    case .batches(let batches): batches.columns
    }
  }

  var rowCount: Int {
    switch self {
    case .batch(let batch): batch.rowCount
    case .batches(let batches): batches.rowCount
    }
  }

  var digest: String {
    switch self {
    case .batch(let batch): ColumnDigest.of(batch)
    case .batches(let batches): batches.digest
    }
  }

  func batch(_ number: Int) async throws -> RecordBatch? {
    switch self {
    case .batch(let batch): number == 0 ? batch : nil
    case .batches(let batches):
      number < batches.batchCount ? try await batches.batch(number) : nil
    }
  }
}

extension PipelineRun {
  /// A stage that loads rows into a table, exactly once: each batch is committed with its mark in one
  /// transaction.
  ///
  /// The rows are saved first, as a stage of the name `…/rows` within this one, so that `body` is not
  /// run again when loading is interrupted. A row that the table refuses fails the stage.
  ///
  /// - Parameters:
  ///   - name: The stage's name.
  ///   - version: Its version.
  ///   - sink: Where the rows go.
  ///   - table: The table; nil for one named after the pipeline.
  ///   - key: The columns that identify a row; empty to append.
  ///   - mode: What happens to rows that are there; nil for append without a key, upsert with one.
  ///   - metadata: What else to note with the checkpoint.
  ///   - retry: Which errors are tried again.
  ///   - deadline: How long it may take, all tries included.
  ///   - isolation: Where the body runs.
  ///   - body: Makes the rows.
  /// - Returns: The account of the load, also when an earlier attempt made it.
  /// - Throws: What `body` throws; ``SinkError``, ``LoadError``, ``PipelineError``,
  ///   ``CheckpointError``, ``FileError``.
  @discardableResult
  public func stage(
    _ name: String, version: Int = 1, into sink: some Sink, table: String? = nil,
    key: [String] = [], mode: LoadMode? = nil, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> RecordBatch
  ) async throws -> Receipt {
    try await loadStage(
      StageRequest(name, version, metadata, retry, deadline, nil), into: sink, table: table,
      key: key, mode: mode, isolation: isolation
    ) {
      .batch(
        try await stage("rows", version: version, isolation: isolation) { try await body() })
    }
  }

  /// A stage that loads the batches of a stage that streamed into a table, exactly once.
  ///
  /// - Parameters: As of ``stage(_:version:into:table:key:mode:metadata:retry:deadline:isolation:_:)-(_,_,_,_,_,_,_,_,_,_,()->RecordBatch)``;
  ///   `body` gives the batches, which are saved already.
  /// - Returns: The account of the load, also when an earlier attempt made it.
  /// - Throws: What `body` throws; ``SinkError``, ``LoadError``, ``PipelineError``,
  ///   ``CheckpointError``, ``FileError``.
  @discardableResult
  public func stage(
    _ name: String, version: Int = 1, into sink: some Sink, table: String? = nil,
    key: [String] = [], mode: LoadMode? = nil, metadata: [String: CheckpointValue] = [:],
    retry: StageRetry = .never, deadline: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> StageBatches
  ) async throws -> Receipt {
    try await loadStage(
      StageRequest(name, version, metadata, retry, deadline, nil), into: sink, table: table,
      key: key, mode: mode, isolation: isolation
    ) {
      .batches(try await body())
    }
  }

  private func loadStage(
    _ request: StageRequest, into sink: some Sink, table: String?, key: [String], mode: LoadMode?,
    isolation: isolated (any Actor)? = #isolation, _ rows: () async throws -> StageRows
  ) async throws -> Receipt {
    let load = StageLoad(
      pipelineID: id, stage: scope.path(of: request.name), pipeline: execution.pipeline,
      checkpoints: checkpoints, events: events, metrics: metrics)
    return try await perform(
      request,
      StageCoding(
        encode: { .json(try JSONContent.encode($0)) }, decode: { try $0.value() },
        account: { receipt, _ in
          ["run": EventValue(receipt.syncID.description), "rows": EventValue(receipt.counts.rows)]
        }),
      isolation: isolation
    ) {
      try await load.load(
        try await rows(), into: sink, table: table ?? execution.pipeline, key: key, mode: mode)
    }
  }
}
