extension LineageValues {
  /// What lineage columns record of a run.
  init(file: String, run: SyncID, startedAt: String) {
    self.init(
      file: file, run: run.description,
      loadedAt: (Timestamp.nanoseconds(of: startedAt) ?? 0) / 1_000)
  }
}
