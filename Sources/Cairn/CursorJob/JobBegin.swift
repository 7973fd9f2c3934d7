/// What a run's first checkpoint says, and its last: pure.
struct JobBegin: Sendable {
  let job: CursorJob
  let run: SyncID
  let basis: RecoveryPlan.Basis
  let choice: CheckpointChoice
  /// Whether the tables have rows before the run's first page.
  let targetHasRows: Bool
  /// In nanoseconds since 1970-01-01 UTC.
  let now: Int64

  /// The checkpoint that an attempt begins with; not saved yet unless it goes on from it.
  func checkpoint() -> JobCheckpoint {
    let last = choice.chosen
    var checkpoint: JobCheckpoint
    switch basis {
    case .checkpoint:
      checkpoint = last?.checkpoint ?? new()
      checkpoint.job = job.name
      checkpoint.type = job.source.type
      checkpoint.scopeDigest = job.registration.scopeDigest
      checkpoint.run = run
      checkpoint.queue.adopt(phases: job.source.phases)
      if let phase = checkpoint.phase, !job.source.phases.contains(phase) {
        checkpoint.phase = nil
        checkpoint.current = nil
      }
      // A finished run only lacks its end.
      if checkpoint.isFinished { return checkpoint }
    case .nothing:
      checkpoint = new()
      if let last { checkpoint.reference = Self.reference(to: last) }
      if targetHasRows {
        // What of them the source has no more only a search finds.
        checkpoint.sweep.isUnderWay = job.options.deletions != .ignore
      } else {
        // As good as a search: what it finds is there.
        checkpoint.sweep.lastAt = checkpoint.runBegan
      }
    case .restart:
      checkpoint = new()
      if let last {
        checkpoint.reference = Self.reference(to: last)
        checkpoint.lastSyncAt = last.checkpoint.lastSyncAt
        checkpoint.known = last.checkpoint.known
        checkpoint.exceptions = last.checkpoint.exceptions
        checkpoint.sweep = last.checkpoint.sweep
      }
    case .lastRun:
      checkpoint = new()
      if let last = last?.checkpoint {
        checkpoint.lastSyncAt = last.lastSyncAt
        checkpoint.exceptions = last.exceptions
        checkpoint.sweep = last.sweep
        checkpoint.sweep.isUnderWay = job.options.deletions.isDue(after: last.sweep, now: now)
        for entry in last.queue.entries where !entry.partition.isReadWhole {
          checkpoint.known[entry.partition.phase, default: []].append(entry.partition.name)
        }
      }
    }
    for partition in job.source.firstPartitions
    where checkpoint.sweep.isUnderWay || !job.source.sweepPhases.contains(partition.phase) {
      checkpoint.queue.add(JobQueue.Entry(partition))
    }
    return checkpoint
  }

  private func new() -> JobCheckpoint {
    JobCheckpoint(
      job: job.name, type: job.source.type, scopeDigest: job.registration.scopeDigest, run: run,
      phases: job.source.phases, runBegan: now / 1000 * 1000)
  }

  private static func reference(to last: CheckpointChoice.Chosen) -> JobCheckpoint.Reference {
    let checkpoint = last.checkpoint
    return JobCheckpoint.Reference(
      generation: last.generation, run: checkpoint.run.description,
      timestamp: checkpoint.timestamp, phase: checkpoint.phase, current: checkpoint.current,
      total: checkpoint.total,
      finished: checkpoint.queue.entries.count { $0.state == .finished })
  }

  /// Makes the checkpoint of a run that came to its end what the next begins with.
  static func finish(
    _ checkpoint: inout JobCheckpoint, at now: Int64, overlap: Int64, source: any CursorSource
  ) {
    // Of what was passed over the same is wanted again; the others' exceptions are of an older version.
    var exceptions = checkpoint.exceptions.filter { partition, _ in
      checkpoint.queue[partition.phase, partition.name]?.state == .finished
    }
    for entry in checkpoint.queue.entries where !entry.partition.isReadWhole {
      guard case .passedOver = entry.state else { continue }
      if let exception = checkpoint.exceptions[entry.partition] {
        exceptions[entry.partition] = .some(exception)
      } else {
        exceptions[entry.partition] = .some(
          checkpoint.isKnown(entry.partition) ? checkpoint.lastSyncAt : nil)
      }
    }
    checkpoint.exceptions = exceptions
    checkpoint.known = [:]
    let sweep = checkpoint.sweep
    let isFirst = checkpoint.lastSyncAt == nil && sweep.lastAt != nil && sweep.runsSince == 0
    checkpoint.lastSyncAt = checkpoint.runBegan - overlap
    checkpoint.finishedAt = now
    checkpoint.error = nil
    checkpoint.reference = nil
    if sweep.isUnderWay || isFirst {
      checkpoint.sweep = JobCheckpoint.Sweep(lastAt: checkpoint.runBegan)
    } else {
      checkpoint.sweep.runsSince += 1
    }
  }
}
