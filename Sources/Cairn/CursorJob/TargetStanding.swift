/// How a job's tables stand before a run, by their names in the target.
struct TargetStanding: Sendable, Hashable {
  var tables: [String: TableStanding] = [:]

  /// Whether there are rows that nobody has read in this run.
  var hasRows: Bool { tables.values.contains(.filled) }

  /// Why a checkpoint is not to be gone on from: the rows that it knows of are not there. Nil where they
  /// are, as far as a look into each table tells.
  func change(since checkpoint: JobCheckpoint) -> String? {
    let marks = checkpoint.tables
    guard !marks.isEmpty, !tables.isEmpty else { return nil }
    guard tables.keys.contains(where: { marks[$0] != nil }) else {
      return "the job writes to \(Self.list(tables.keys)) now, and its rows are in"
        + " \(Self.list(marks.keys))"
    }
    let known = tables.filter { marks[$0.key] != nil }
    let gone = known.filter { $0.value == .absent }
    guard gone.isEmpty else { return "\(Self.list(gone.keys)) is not there any more" }
    let emptied = known.filter { $0.value == .empty && marks[$0.key]?.atLeast ?? 0 > 0 }
    guard emptied.isEmpty else { return "\(Self.list(emptied.keys)) was emptied" }
    return nil
  }

  /// Tables that a checkpoint knows, that are empty, and of which its marks say no more than that they may
  /// be: by these it cannot be told whether they were there all the time.
  func doubtful(since checkpoint: JobCheckpoint) -> [String] {
    tables.filter { name, standing in
      standing == .empty && checkpoint.tables[name].map { $0.atLeast == 0 } == true
    }.keys.sorted()
  }

  /// Why tables that are there again since an attempt that came to no commit lack their rows.
  static func stillLacking(_ names: [String]) -> String {
    "\(list(names)) was not there, and nothing is committed since"
  }

  private static func list(_ names: some Sequence<String>) -> String {
    let names = names.sorted()
    let more = names.count > 3 ? " and \(names.count - 3) more" : ""
    return names.prefix(3).map { "'\($0)'" }.joined(separator: ", ") + more
  }
}
