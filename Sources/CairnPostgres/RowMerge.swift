import Cairn

/// Writes the rows of a chunk in the transaction that is open.
///
/// Of the rows with one key only the last is written; when the database refuses it, the one before
/// it gets its turn. Rows with new keys go in by COPY. Rows whose key is there are compared with what
/// the table has, and only those that differ are sent again, as an UPDATE. So most rows cross the
/// wire once and what would change nothing writes nothing.
struct RowMerge {
  /// What the rows are, and how they are to be written.
  struct Plan {
    var rows: StagedRows
    /// The target, or the run's shadow table.
    var shape: TargetShape
    /// The job's columns.
    var columns: [String]
    var mode: LoadMode
    /// The column that says which of two states of a record is newer, if one does.
    var version: String?
    /// The run's number and the chunk's.
    var sequence: Int64
    var chunk: Int
    /// Where keys are recorded, and looked up by a chunk that comes late.
    var keys: RecordedKeys?
    /// Whether the keys that are written are recorded; if not, only those that are watched.
    var recordsKeys: Bool
    /// Whether some keys are watched.
    var watchesKeys: Bool
    /// Whether rows that `insert_only` finds may be the run's own, which its later rows change.
    var hasOwnRows = true
    /// Hashes of those that are watched; nil where only the database can tell.
    var watchedHashes: Set<UInt64>?
    /// For a row its number in the source.
    var sourceRow: @Sendable (Int) -> UInt64
    /// Whether later chunks or runs may have recorded keys.
    var isLate: Bool
    /// Whether a later run has replaced all rows, so that these count for nothing.
    var isReplaced: Bool
    /// The keys that this process wrote into a table which was empty at first.
    var seen: SeenKeys?
    /// Whether a row was refused in an earlier try, so that rows are tried in groups.
    var isCareful: Bool
    /// Whether a violation of the key is about a row: so it is when tries in a row ended with one.
    var keyViolationsAreRefusals: Bool
    var faults: FaultPoints
    /// Throws when there are too many refusals.
    var checkAllowance: ([(row: UInt32, refusal: Refusal)]) throws -> Void
  }

  private let plan: Plan
  private let sql: MergeSQL
  private let connection: Connection
  private let half: Halfway

  /// What became of the rows.
  private(set) var counts = RowCounts()
  /// How long it took to copy in those that were new.
  private(set) var copySeconds = 0.0
  /// The rows that the database refused, in the order in which they were tried.
  private(set) var refusals: [(row: UInt32, refusal: Refusal)] = []

  /// How many keys are looked up at once, which bounds the memory for what comes back.
  private static let lookUpSize = 2_048

  init(_ plan: Plan, on connection: Connection) {
    self.plan = plan
    self.connection = connection
    half = Halfway(plan.faults)
    sql = MergeSQL(
      shape: plan.shape, columns: plan.columns, keys: plan.rows.keys, version: plan.version)
  }

  /// Writes the rows.
  ///
  /// - Throws: ``RowsRefused`` when a row was refused and the plan is not careful;
  ///   ``KeyRace`` when somebody else has written a key; ``PostgresFailure``.
  mutating func merge() throws { try merge(plan.rows.groups.winners) }

  /// Writes some of the rows.
  ///
  /// - Parameter winners: The last row of each key.
  /// - Throws: As ``merge()``.
  mutating func merge(_ winners: [UInt32]) throws {
    let groups = plan.rows.groups
    var pending = winners
    if plan.isReplaced {
      for row in pending { counts.superseded += 1 + groups.countBefore(row) }
      pending = []
    }
    if plan.isLate { pending = try withoutLaterKeys(pending) }
    while !pending.isEmpty {
      var refused: [(row: UInt32, refusal: Refusal)] = []
      if plan.isCareful {
        refused = try settle(pending)
      } else {
        try refusing { count(try apply(pending[...])) }
      }
      refusals += refused
      counts.rejected += refused.count
      pending = refused.compactMap { groups.before($0.row) }.sorted()
    }
    half.reach()
    // What is deferred is to speak before the counts are written.
    if !plan.isCareful {
      try refusing { _ = try connection.execute("SET CONSTRAINTS ALL IMMEDIATE") }
    }
  }

  // MARK: Groups

  /// What became of the rows of a group that was written.
  private struct Written {
    var inserted: [UInt32] = []
    var updated: [UInt32] = []
    var unchanged: [UInt32] = []
    var kept: [UInt32] = []
    /// Those whose key is there in a newer state.
    var outdated: [UInt32] = []
    var copySeconds = 0.0
  }

  private mutating func count(_ written: Written) {
    let groups = plan.rows.groups
    copySeconds += written.copySeconds
    counts.inserted += written.inserted.count
    counts.updated += written.updated.count
    counts.unchanged += written.unchanged.count
    if !groups.previous.isEmpty {
      for rows in [written.inserted, written.updated, written.unchanged] {
        for row in rows { counts.superseded += groups.countBefore(row) }
      }
    }
    for row in written.kept { counts.kept += 1 + groups.countBefore(row) }
    for row in written.outdated { counts.superseded += 1 + groups.countBefore(row) }
  }

  /// Writes what the database accepts of some rows, in groups that are taken back and parted when one
  /// of their rows is refused.
  private mutating func settle(
    _ rows: [UInt32]
  ) throws -> [(row: UInt32, refusal: Refusal)] {
    var left = rows
    while true {
      var refused: [(row: UInt32, refusal: Refusal)] = []
      var mayNeedAnother = false
      var groups = [left[...]]
      while let group = groups.popLast() {
        guard let first = group.first else { continue }
        try connection.execute("SAVEPOINT cairn_group")
        do {
          let written = try apply(group)
          try connection.execute("SET CONSTRAINTS ALL IMMEDIATE; RELEASE cairn_group")
          count(written)
        } catch {
          let refusal = try refusalOrRethrow(error)
          try connection.execute("ROLLBACK TO cairn_group; RELEASE cairn_group")
          if group.count == 1 {
            refused.append((first, refusal.refusal))
            mayNeedAnother = mayNeedAnother || refusal.isForeignKey
            try plan.checkAllowance(refusals + refused)
          } else {
            groups += Self.parts(of: group, suspect: refusal.suspect)
          }
        }
      }
      // A row may refer to one that came in only after it was tried.
      guard plan.shape.refersToItself, mayNeedAnother, refused.count < left.count else {
        return refused
      }
      left = refused.map(\.row)
    }
  }

  /// A group in parts, the last of which is to be tried first: around the row that is suspected, or
  /// halved.
  private static func parts(
    of group: ArraySlice<UInt32>, suspect: UInt32?
  ) -> [ArraySlice<UInt32>] {
    if let suspect, let position = group.firstIndex(of: suspect) {
      return [group[(position + 1)...], group[position...position], group[..<position]]
    }
    let middle = group.startIndex + group.count / 2
    return [group[middle...], group[..<middle]]
  }

  /// Turns what the database says about a row into ``RowsRefused``.
  private func refusing(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      _ = try refusalOrRethrow(error)
      throw RowsRefused()
    }
  }

  private func refusalOrRethrow(
    _ error: any Error
  ) throws -> (refusal: Refusal, isForeignKey: Bool, suspect: UInt32?) {
    switch error {
    case let error as RowsIgnored:
      let reason = "a trigger or policy of the table ignored the row"
      return (Refusal(column: nil, reason: reason), false, error.rows.first)
    case let error as SuspectedRow:
      let found = try refusalOrRethrow(error.failure)
      return (found.refusal, found.isForeignKey, error.row)
    case let failure as PostgresFailure:
      if isAboutTheKey(failure), !plan.keyViolationsAreRefusals { throw KeyRace() }
      let mayWrite = plan.shape.missingPrivileges.isEmpty
      guard SQLState.isAboutARow(failure.state, mayWrite: mayWrite) else { throw failure }
      return (
        Refusal(failure, columns: plan.columns), failure.state == "23503", nil
      )
    default: throw error
    }
  }

  private func isAboutTheKey(_ failure: PostgresFailure) -> Bool {
    guard failure.state == "23505", let keys = plan.rows.keys, let index = failure.constraint else {
      return false
    }
    let key = plan.shape.uniqueKey(on: keys.parts.map(\.key.name))
    return key?.indexNames.contains(index) == true
  }

  // MARK: Writing

  /// Writes rows, all of them or none: the caller takes back what an error leaves.
  private func apply(_ rows: ArraySlice<UInt32>) throws -> Written {
    var written = Written()
    var changed: [UInt32] = []
    written.inserted = try part(rows, &written, changed: &changed)
    let start = ContinuousClock.now
    try insert(written.inserted[...])
    written.copySeconds = (ContinuousClock.now - start).inSeconds
    try update(changed, &written)
    try testKept(&written)
    try noteKeys(written)
    return written
  }

  /// Records the keys that rows wrote, where somebody will ask for them.
  private func noteKeys(_ written: Written) throws {
    guard plan.recordsKeys || plan.watchesKeys, let recorded = plan.keys,
      let keys = plan.rows.keys
    else { return }
    let own = written.inserted + written.updated + written.unchanged
    guard !own.isEmpty else { return }
    let writer = RecordedKeys.Writer(
      sequence: plan.sequence, chunk: plan.chunk, sourceRow: plan.sourceRow)
    if plan.recordsKeys { try recorded.record(keys, of: own, by: writer, on: connection) }
    guard plan.watchesKeys else { return }
    // Few rows have a key that is watched, and asking about each would cost as much as copying it.
    var candidates = own
    if !plan.rows.keyHashes.isEmpty, let watched = plan.watchedHashes {
      candidates.removeAll { !watched.contains(plan.rows.keyHashes[Int($0)]) }
    }
    if !candidates.isEmpty {
      try recorded.touch(keys, of: candidates, by: writer, on: connection)
    }
  }

  /// Parts rows into those whose key is new, which are returned, and those whose key is there: equal
  /// to what is there, kept from before an `insert_only` run, or changed.
  private func part(
    _ rows: ArraySlice<UInt32>, _ written: inout Written, changed: inout [UInt32]
  ) throws -> [UInt32] {
    guard let keys = plan.rows.keys else { return Array(rows) }
    var candidates = Array(rows)
    let hashes = plan.rows.keyHashes
    if !hashes.isEmpty, let known = plan.seen?.mayContain(rows.map { hashes[Int($0)] }) {
      candidates = zip(rows, known).filter(\.1).map(\.0)
    }
    guard !candidates.isEmpty else { return Array(rows) }
    var present: Set<UInt32> = []
    let lots = stride(from: 0, to: candidates.count, by: Self.lookUpSize).map { start in
      candidates[start..<min(start + Self.lookUpSize, candidates.count)]
    }
    if plan.mode == .insertOnly {
      for lot in lots {
        try partForInsertOnly(lot, keys, &written, &present, changed: &changed)
      }
    } else {
      try compare(lots, keys, &written, &present, changed: &changed)
    }
    return present.isEmpty ? Array(rows) : rows.filter { !present.contains($0) }
  }

  private func partForInsertOnly(
    _ rows: ArraySlice<UInt32>, _ keys: KeyArrays, _ written: inout Written,
    _ present: inout Set<UInt32>, changed: inout [UInt32]
  ) throws {
    let found = try connection.query(
      sql.lookUp(withColumns: false), keys.parameters(for: rows), binary: true)
    let there = (0..<found.rowCount).map {
      rows[rows.startIndex + Int(found.binaryInteger($0, 0)) - 1]
    }
    guard !there.isEmpty else { return }
    var own: Set<UInt32> = []
    if plan.hasOwnRows, let recorded = plan.keys {
      own = Set(
        try recorded.own(keys, of: there, run: plan.sequence, on: connection).map { there[$0] })
    }
    for row in there where !own.contains(row) {
      present.insert(row)
      written.kept.append(row)
    }
    let mine = there.filter(own.contains)
    if !mine.isEmpty { try compare([mine[...]], keys, &written, &present, changed: &changed) }
  }

  /// Compares rows with those of the table. Where the bytes are equal the values are; where they are
  /// not, the database decides when it updates.
  private func compare(
    _ lots: [ArraySlice<UInt32>], _ keys: KeyArrays, _ written: inout Written,
    _ present: inout Set<UInt32>, changed: inout [UInt32]
  ) throws {
    try connection.queryEach(
      sql.lookUp(withColumns: true), lots: lots.count,
      parameters: { keys.parameters(for: lots[$0]) }
    ) { lot, found in
      let rows = lots[lot]
      for position in 0..<found.rowCount {
        let row = rows[rows.startIndex + Int(found.binaryInteger(position, 0)) - 1]
        present.insert(row)
        if plan.rows.block.isEqual(Int(row), toRecord: found.unsafeBytes(position, 1)) {
          written.unchanged.append(row)
        } else {
          changed.append(row)
        }
      }
    }
  }

  private func insert(_ rows: ArraySlice<UInt32>) throws {
    guard !rows.isEmpty else { return }
    let accepted: Int
    if plan.shape.hasRowSecurity {
      // COPY knows no policies.
      accepted = try connection.query(
        sql.insert, [sql.rows.parameter(for: rows, of: plan.rows.block)]
      ).affectedRows
    } else {
      do {
        accepted = try connection.copy(sql.copy) { send in
          try plan.rows.block.send(rows, halfway: half.reach, to: send)
        }
      } catch let failure as PostgresFailure {
        guard let position = failure.copyRow, rows.indices.contains(rows.startIndex + position)
        else { throw failure }
        throw SuspectedRow(row: rows[rows.startIndex + position], failure: failure)
      }
    }
    guard accepted == rows.count else { throw RowsIgnored(rows: []) }
    if let seen = plan.seen, !plan.rows.keyHashes.isEmpty {
      seen.insert(rows.map { plan.rows.keyHashes[Int($0)] })
    }
  }

  /// Writes rows whose key is there.
  private func update(_ rows: [UInt32], _ written: inout Written) throws {
    guard !rows.isEmpty else { return }
    guard let update = sql.update else {
      written.unchanged += rows
      return
    }
    let done = try connection.query(
      update, [sql.rows.parameter(for: rows, of: plan.rows.block)], binary: true)
    var isUpdated = [Bool](repeating: false, count: rows.count)
    for position in 0..<done.rowCount {
      isUpdated[Int(done.binaryInteger(position, 0)) - 1] = true
    }
    written.updated += zip(rows, isUpdated).filter(\.1).map(\.0)
    let others = zip(rows, isUpdated).filter { !$0.1 }.map(\.0)
    guard !others.isEmpty else { return }
    // Equal after all, gone meanwhile, or ignored?
    let compared = try connection.query(
      sql.comparison, [sql.rows.parameter(for: others, of: plan.rows.block)], binary: true)
    guard compared.rowCount == others.count else { throw KeyRace() }
    var ignored: [UInt32] = []
    for position in 0..<compared.rowCount {
      let row = others[Int(compared.binaryInteger(position, 0)) - 1]
      switch compared.binaryInteger(position, 1) {
      case 0: written.unchanged.append(row)
      case 1: ignored.append(row)
      default: written.outdated.append(row)
      }
    }
    guard ignored.isEmpty else { throw RowsIgnored(rows: ignored) }
  }

  /// Lets the database judge rows whose key an `insert_only` run keeps: they are rejected if they
  /// could not have been inserted.
  private func testKept(_ written: inout Written) throws {
    guard !written.kept.isEmpty else { return }
    let inserted = try connection.query(
      sql.insertIfNew, [sql.rows.parameter(for: written.kept, of: plan.rows.block)]
    ).affectedRows
    // Somebody has deleted such a row meanwhile: look again.
    guard inserted == 0 else { throw KeyRace() }
  }

  /// Drops rows whose key a later chunk or run has recorded.
  private mutating func withoutLaterKeys(_ rows: [UInt32]) throws -> [UInt32] {
    guard let recorded = plan.keys, let keys = plan.rows.keys, !rows.isEmpty else { return rows }
    let later = Set(
      try recorded.later(
        keys, of: rows, than: plan.sequence, chunk: plan.chunk, on: connection))
    guard !later.isEmpty else { return rows }
    var left: [UInt32] = []
    for (position, row) in rows.enumerated() {
      if later.contains(position) {
        counts.superseded += 1 + plan.rows.groups.countBefore(row)
      } else {
        left.append(row)
      }
    }
    return left
  }
}

/// Reaches the fault point in the middle of the rows, once.
private final class Halfway {
  private let faults: FaultPoints
  private var isReached = false

  init(_ faults: FaultPoints) { self.faults = faults }

  func reach() {
    guard !isReached else { return }
    isReached = true
    faults.reach(.commitHalfMerged)
  }
}

/// A row was refused: the chunk is to be tried again with care.
struct RowsRefused: Error {}

/// Somebody else has written or deleted a key meanwhile: the chunk is to be tried again.
struct KeyRace: Error {}

/// The database wrote fewer rows than it was given, and said nothing.
private struct RowsIgnored: Error {
  /// Which, if that is known.
  var rows: [UInt32]
}

/// The row at which the server was when it failed.
private struct SuspectedRow: Error {
  var row: UInt32
  var failure: PostgresFailure
}
