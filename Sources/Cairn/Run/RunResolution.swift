/// Resolves, once per run, what the job leaves open: layout, columns and their types, chunk size.
struct RunResolution {
  let job: Job
  let source: any Source
  let options: LoadOptions

  /// - Parameter size: The source's size in bytes as stored, if known.
  func resolve(size: Int64?) async throws -> RunSettings {
    try job.validate()
    let layout = try await source.resolve()
    let limits = ChunkLimits.resolved(
      job.checkpoint, size: size, layout: layout, budget: options.memoryBudget)
    let columns = try await columns(layout, limits: limits)
    var pinned = job
    pinned.sink.url = URLSecrets.redacted(job.sink.url)
    // Addresses of alerts are secrets, and a resume has them from the job as it is then.
    pinned.alerts = nil
    // Where a resume logs is decided where it runs.
    pinned.logging = nil
    return RunSettings(
      job: pinned, layout: layout, columns: columns, areInferred: job.columns == nil,
      limits: limits, target: target(columns), usesChunkFiles: usesChunkFiles(size: size),
      jobFile: options.jobFile)
  }

  private func usesChunkFiles(size: Int64?) -> Bool {
    // Standard input cannot be read again: its chunk files are its only copy.
    guard source.isRepeatable else { return true }
    return job.checkpoint.enabled && (size ?? .max) >= job.checkpoint.minimumSize
  }

  private func columns(_ layout: SourceLayout, limits: ChunkLimits) async throws -> [ColumnRule] {
    if let rules = try job.resolveColumns(for: layout) { return rules }
    let reader = try await source.open(layout, at: .start, limits: limits)
    let first = try await reader.next()?.parse()
    // Without a row every type is as good as any: text takes what comes.
    guard let first else {
      return layout.columns.map { ColumnRule(name: $0, type: .text) }.requiring(job.sink.key)
    }
    return TypeInference.infer(from: first, source: job.source, key: job.sink.key).rules
  }

  private func target(_ columns: [ColumnRule]) -> TargetTable {
    TargetTable(
      name: job.sink.table,
      columns: columns.map { rule in
        TargetColumn(
          name: rule.name, type: rule.type,
          isRequired: rule.required || job.sink.key.contains(rule.name))
      },
      key: job.sink.key, mode: job.sink.mode,
      mayAddColumns: job.source.extraColumns == .add, mayCreateKey: options.createsKey)
  }
}
