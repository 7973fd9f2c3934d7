extension ChunkLimits {
  /// The limits a run is pinned to: those the job asks for, or estimated ones.
  ///
  /// - Parameters:
  ///   - options: The job's.
  ///   - size: The source's size in bytes as stored, or nil when it is not known.
  ///   - layout: The source's layout.
  ///   - budget: Memory that the load may plan with, in bytes.
  static func resolved(
    _ options: CheckpointOptions, size: Int64?, layout: SourceLayout, budget: Int
  ) -> ChunkLimits {
    if let rows = options.chunkRows { return ChunkLimits(rows: rows) }
    return .estimated(
      sourceSize: size, compression: layout.text?.compression ?? .none,
      columns: layout.columns.count, memoryBudget: budget)
  }
}
