/// Whether the recovery of an attempt held: the target's tables beside what the marks say of them.
struct RecoveryCheck: Sendable {
  private let sink: any CursorJobSink
  private let retry: TransientRetry
  private let journal: JobJournal
  /// It is one recovery, however often it is checked.
  private var hasFailed = false

  init(sink: any CursorJobSink, retry: TransientRetry, journal: JobJournal) {
    self.sink = sink
    self.retry = retry
    self.journal = journal
  }

  /// How the tables stand, and what of it is not as the marks say.
  ///
  /// - Throws: ``SinkError``.
  func compare(
    _ target: RecordTarget, with marks: TableMarks
  ) async throws -> (found: TableMarks, problems: [String]) {
    var problems: [String] = []
    var found: [String: JobCheckpoint.TableMark] = [:]
    for (table, name) in target.all {
      let sink = sink
      let check = try await retry.run { try await sink.keyCheck(of: table, named: name) }
      found[name] = JobCheckpoint.TableMark(atLeast: check.rows, atMost: check.rows)
      problems += marks.problems(of: name, check)
    }
    return (TableMarks(found), problems)
  }

  /// Tells what came of a comparison.
  ///
  /// - Parameter when: When it was made: 'after the recovery'.
  /// - Returns: What the history is to be told.
  mutating func conclude(_ problems: [String], _ when: String) -> [JobFact] {
    journal.checked(problems)
    guard !problems.isEmpty else { return [JobFact(.consistent, detail: when)] }
    let text = problems.joined(separator: "; ")
    return [JobFact(.inconsistent, detail: "\(when): \(text)")]
      + fail("the checks \(when) did not hold: \(text)")
  }

  /// Tells that the recovery failed, the first time.
  ///
  /// - Returns: What the history is to be told.
  mutating func fail(_ why: String) -> [JobFact] {
    guard !hasFailed else { return [] }
    hasFailed = true
    journal.recoveryFailed()
    return [JobFact(.recoveryFailed, detail: why)]
  }
}
