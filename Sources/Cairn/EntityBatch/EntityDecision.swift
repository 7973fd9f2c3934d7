/// What a checkpoint that is found means for a processor that begins. Pure.
enum EntityDecision: Equatable {
  /// Begin at the first entity.
  case begin
  /// Give the checkpoint up, for this reason, and begin at the first entity.
  case startOver(as: EntityAttempt.Ending, because: String)
  /// Go on after what is done.
  case resume(note: String?)
  /// Neither.
  case refuse(EntityBatchError)

  /// What decides beside checkpoint and entities.
  struct Policy: Equatable {
    /// After this time without a commit a checkpoint is not gone on from; nil for never.
    var expiry: Duration?
    /// Whether processing an entity again would add its rows a second time.
    var addsTwice: Bool
    /// Whether somebody asks to start over.
    var startsOver: Bool
    /// The table, as the user wrote it now.
    var table: String
    var breaker: CircuitBreaker
  }

  /// - Parameter found: The checkpoint of the processor and partition, if there is one.
  static func decide(
    _ found: EntityCheckpoint?, entities: EntityList, policy: Policy
  ) -> EntityDecision {
    guard let found else { return .begin }
    if policy.startsOver {
      return startOver(found, .discarded, "it was asked to start over", policy)
    }
    if let left = policy.breaker.timeLeft(
      failures: found.failuresInARow, sinceLast: found.failureAge)
    {
      return .refuse(
        .circuitOpen(
          processor: found.new.processor, partition: found.new.partition,
          failures: found.failuresInARow, left: left, error: found.error ?? "unknown"))
    }
    if let expiry = policy.expiry, found.age > expiry {
      return startOver(
        found, .expired,
        "its checkpoint of \(found.checkpointAt), \(progress(found)), is"
          + " \(DurationText.describe(found.age.wholeSeconds)) old, over"
          + " \(DurationText.describe(expiry))", policy)
    }
    if found.new.table != policy.table {
      return startOver(
        found, .discarded,
        "its checkpoint belongs to results in '\(found.new.table)', not '\(policy.table)'", policy)
    }
    if found.new.listDigest == entities.digest, found.total == entities.count {
      return .resume(note: nil)
    }
    let end = found.completed.end ?? 0
    if end <= entities.count, end == 0 || entities.digest(upTo: end) == found.prefixDigest {
      return .resume(
        note: "the list of entities has changed after number \(end), behind what is done: it had"
          + " \(found.total) and has \(entities.count)")
    }
    return startOver(found, .discarded, change(found, entities), policy)
  }

  private static func startOver(
    _ found: EntityCheckpoint, _ ending: EntityAttempt.Ending, _ reason: String, _ policy: Policy
  ) -> EntityDecision {
    guard policy.addsTwice, found.completed.count > 0 else {
      return .startOver(as: ending, because: reason)
    }
    return .refuse(
      .cannotStartOver(
        processor: found.new.processor, partition: found.new.partition,
        completed: found.completed.count, reason: reason))
  }

  /// Says how a list differs from the one that a checkpoint was made with, as far as that is known:
  /// the ids themselves are not kept.
  private static func change(_ found: EntityCheckpoint, _ entities: EntityList) -> String {
    let lists = "it had \(found.total) entities and has \(entities.count)"
    let end = found.completed.end ?? 0
    if entities.count < end {
      return "the list of entities has become shorter than what is done of it: \(lists), and"
        + " number \(end) was done"
    }
    guard found.completed.unbroken > 0 else {
      return "the list of entities has changed among those that are done: \(lists)"
    }
    let last = "the last entity that was done, '\(found.lastEntityID)',"
    guard let position = entities.ids.firstIndex(of: found.lastEntityID) else {
      return "the list of entities has changed: \(last) is no longer in it; \(lists)"
    }
    let now = position + 1
    let before = found.completed.unbroken
    if now > before {
      return "the list of entities has changed: \(last) was number \(before) and is number \(now),"
        + " so at least \(now - before) that are not done come before it; \(lists)"
    }
    if now < before {
      return "the list of entities has changed: \(last) was number \(before) and is number \(now),"
        + " so at least \(before - now) that were done are gone; \(lists)"
    }
    return "the list of entities has changed before '\(found.lastEntityID)', number \(before),"
      + " or its order has: sort them by their id; \(lists)"
  }

  private static func progress(_ found: EntityCheckpoint) -> String {
    "\(found.completed.count) of \(found.total)"
  }
}

extension Duration {
  /// The duration without its fraction of a second.
  var wholeSeconds: Duration { .seconds(components.seconds) }
}
