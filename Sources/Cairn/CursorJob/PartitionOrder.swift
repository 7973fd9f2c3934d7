/// In which order partitions are read, and what becomes of those that fail again and again.
extension JobQueue {
  /// The partition to ask for next: one that has begun before one that has not, and those that failed
  /// in the last attempts after all others.
  ///
  /// - Parameter left: Partitions that are not to be asked for now.
  func next(leaving left: Set<Partition>) -> Entry? {
    guard let phase = openPhase else { return nil }
    var waiting: Entry?
    var failed: Entry?
    for entry in entries where entry.partition.phase == phase && !entry.isOver {
      guard !left.contains(entry.partition) else { continue }
      if entry.failures > 0 {
        if entry.failures < failed?.failures ?? .max { failed = entry }
        continue
      }
      if entry.cursor != nil { return entry }
      waiting = waiting ?? entry
    }
    return waiting ?? failed
  }

  /// What to say of partitions that fail in one attempt after the other: the phases after theirs wait.
  ///
  /// - Parameter leavingOut: How the source can be told to leave a partition out.
  /// - Returns: A sentence that goes on after another; empty without such partitions.
  func stubborn(leavingOut: String) -> String {
    let stubborn = entries.filter { $0.failures >= Self.stubbornFailures }
    guard let worst = stubborn.max(by: { $0.failures < $1.failures }) else { return "" }
    let others = stubborn.count > 1 ? " and \(stubborn.count - 1) more have" : " has"
    return ". \(worst.partition.name)\(others) failed in \(worst.failures) attempts in a row, and"
      + " the run waits for it" + (leavingOut.isEmpty ? "" : ": \(leavingOut)")
  }

  private static let stubbornFailures = 3
}
