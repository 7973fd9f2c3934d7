/// How far a run over entities has come in this process.
struct EntityProgress: Sendable {
  let list: EntityList
  /// What the sink has as done.
  private(set) var completed: CompletedRanges
  private(set) var batches = 0
  /// Seconds that the marks took.
  private(set) var markSeconds = 0.0
  private var digest = PrefixDigest()

  init(_ list: EntityList, completed: CompletedRanges) {
    self.list = list
    self.completed = completed
  }

  /// The mark that a batch would have if it were committed next.
  mutating func mark(of positions: Range<Int>, target: String?) -> EntityMark {
    var after = completed
    after.insert(positions)
    let unbroken = after.unbroken
    return EntityMark(
      before: completed, completed: after, total: list.count, listDigest: list.digest,
      lastEntityID: unbroken > 0 ? list.ids[unbroken - 1] : "",
      prefixDigest: digest.upTo(after.end ?? 0, of: list.ids), target: target,
      batches: batches + 1, markSeconds: markSeconds)
  }

  /// Notes a mark as committed.
  mutating func committed(_ mark: EntityMark, seconds: Double) {
    completed = mark.completed
    batches += 1
    markSeconds += seconds
  }
}
