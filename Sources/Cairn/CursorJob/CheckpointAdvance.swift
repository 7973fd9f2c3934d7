extension JobCheckpoint {
  /// What a page does beside changing the checkpoint.
  struct Advance: Sendable, Hashable {
    /// Whether nothing is left to do of the page's partition.
    var isOver = false
    /// For the history, with the page's commit.
    var facts: [JobFact] = []
  }

  /// Takes over what a page brings: the partition's next cursor or its end, the partitions that it
  /// discovers, counts, boundaries. Pure.
  ///
  /// - Throws: ``CursorJobError/invalidPage(job:partition:reason:)`` for a page that makes no sense.
  mutating func advance(
    by page: Page, of partition: Partition, source: any CursorSource
  ) throws(CursorJobError) -> Advance {
    guard let entry = queue[partition.phase, partition.name] else { return Advance() }
    let layout = source.layout
    try add(page.discovered, by: partition, source: source)
    if layout.countedPhase == nil || layout.countedPhase == partition.phase {
      total += page.records
    }
    phase = partition.phase
    current = partition.name
    error = nil
    var advance = Advance()
    queue.change(partition.phase, partition.name) { $0.failures = 0 }
    switch page.next {
    case .after(let cursor):
      guard cursor != entry.cursor else {
        throw invalid(partition, "it goes on after the cursor that it began with")
      }
      try check(cursor, partition)
      queue.change(partition.phase, partition.name) {
        $0.state = .after(cursor)
        $0.records += page.records
      }
    case .finished:
      advance.isOver = true
      queue.change(partition.phase, partition.name) {
        $0.state = .finished
        $0.records += page.records
      }
      exceptions[partition] = nil
      queue.shorten()
    case .passedOver(let reason):
      advance.isOver = true
      let reason = String(reason.prefix(500))
      queue.change(partition.phase, partition.name) {
        $0.state = .passedOver(reason)
        $0.records += page.records
      }
      advance.facts.append(JobFact(.passedOver, detail: "\(partition.name): \(reason)"))
    case .renamed(let name, let cursor):
      if let cursor { try check(cursor, partition) }
      guard !name.isEmpty else { throw invalid(partition, "its new name is empty") }
      advance.isOver = rename(
        partition, to: name, cursor: cursor, records: entry.records + page.records)
    }
    if advance.isOver {
      trigger = layout.triggers.partition
      boundaries = layout.boundaries(after: partition.phase)
    } else {
      trigger = layout.triggers.batch
      boundaries = []
    }
    return advance
  }

  private mutating func add(
    _ discovered: [Partition], by partition: Partition, source: any CursorSource
  ) throws(CursorJobError) {
    var found: [JobQueue.Entry] = []
    var names: Set<Partition> = []
    for new in discovered {
      guard source.phases.contains(new.phase) else {
        throw invalid(partition, "it discovers '\(new.name)' of no phase: '\(new.phase)'")
      }
      guard !new.name.isEmpty else {
        throw invalid(partition, "it discovers one without a name")
      }
      // Those of a search for deleted keys only where there is one.
      guard sweep.isUnderWay || !source.sweepPhases.contains(new.phase),
        queue[new.phase, new.name] == nil,
        names.insert(Partition(phase: new.phase, name: new.name)).inserted
      else { continue }
      found.append(JobQueue.Entry(new))
    }
    if let wrong = queue.add(all: found) {
      throw invalid(partition, "it discovers '\(wrong.name)' twice")
    }
  }

  /// Gives a partition another name.
  ///
  /// - Returns: Whether nothing of it is left to do, since the other one is there already.
  private mutating func rename(
    _ partition: Partition, to name: String, cursor: String?, records: Int
  ) -> Bool {
    var renamed = partition
    renamed.name = name
    let since = since(of: partition)
    let sinceOfItsNewName = self.since(of: renamed)
    queue.remove(partition.phase, partition.name)
    exceptions[partition] = nil
    current = name
    guard queue[partition.phase, name] == nil else { return true }
    var entry = JobQueue.Entry(
      renamed, state: cursor.map { .after($0) } ?? .waiting, records: records)
    entry.note = "was \(partition.name)"
    queue.add(entry)
    // What was read under the old name needs not be read again.
    if !partition.isReadWhole, since != sinceOfItsNewName {
      exceptions[renamed] = .some(since)
    }
    return false
  }

  private func check(_ cursor: String, _ partition: Partition) throws(CursorJobError) {
    if let problem = Partition.problem(ofCursor: cursor) {
      throw invalid(partition, "its cursor \(problem)")
    }
  }

  private func invalid(_ partition: Partition, _ reason: String) -> CursorJobError {
    .invalidPage(job: job, partition: partition.name, reason: reason)
  }
}
