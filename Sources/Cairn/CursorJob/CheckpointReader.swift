extension JobCheckpoint {
  /// Whose checkpoint it has to be.
  public struct Owner: Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The kind of its source.
    public var type: String
    /// The phases of its source, in their order.
    public var phases: [String]

    /// Makes it.
    public init(job: String, type: String, phases: [String]) {
      self.job = job
      self.type = type
      self.phases = phases
    }
  }

  /// Reads a checkpoint, also one of an older version, and validates it.
  ///
  /// - Parameters:
  ///   - data: The JSON text.
  ///   - digest: SHA-256 of it as it was written; empty for a checkpoint that came from elsewhere, which
  ///     only an older version may be.
  ///   - owner: Whose it has to be.
  ///   - run: The run that it is counted to where it does not say so: one of an older version.
  ///   - layout: The names of its fields.
  /// - Throws: ``CheckpointDefect``.
  public static func decode(
    _ data: String, digest: String, for owner: Owner, run: SyncID, layout: CheckpointLayout
  ) throws(CheckpointDefect) -> JobCheckpoint {
    var bytes = Array(data.utf8)
    if !digest.isEmpty, JSONContent.digest(of: bytes) != digest {
      throw .corrupt("its SHA-256 is not the one that was recorded")
    }
    guard var fields = Self.object(bytes) else { throw .corrupt("it is no JSON object") }
    let version = try CheckpointVersion(fields["checkpoint_version"])
    if version > .current { throw .tooNew(version: version.text) }
    if version == .current, digest.isEmpty { throw .corrupt("its SHA-256 is not recorded") }
    if let encoding = fields["encoding"]?.text, version == .current {
      guard encoding == "zstd+base64", let text = fields["data"]?.text,
        let count = fields["bytes"]?.integer.flatMap({ Int(exactly: $0) }),
        let unpacked = CheckpointPacking.unpack(text, count: count),
        let inner = Self.object(unpacked)
      else { throw .corrupt("it cannot be unpacked") }
      bytes = unpacked
      fields = inner
    }
    let reader = CheckpointReader(fields: fields, owner: owner, layout: layout)
    return version == .current ? try reader.current() : try reader.older(run: run)
  }

  private static func object(_ bytes: [UInt8]) -> EventMetadata? {
    bytes.withUnsafeBufferPointer { EventParser.object($0) }
  }
}

/// The version of a checkpoint's format.
private struct CheckpointVersion: Comparable {
  let text: String
  private let numbers: [Int]

  static let current = CheckpointVersion(numbers: [2, 0])

  private init(numbers: [Int]) {
    self.numbers = numbers
    text = numbers.map(String.init).joined(separator: ".")
  }

  /// Checkpoints without a version are older than the first that had one.
  init(_ value: EventValue?) throws(CheckpointDefect) {
    switch value {
    case nil, .null:
      self.init(numbers: [0, 9])
    case .text(let text):
      let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...3).contains(parts.count), parts.allSatisfy({ ($0 ?? -1) >= 0 }) else {
        throw .invalid(field: "checkpoint_version", reason: "'\(text.prefix(40))' is no version")
      }
      self.init(text: text, numbers: parts.compactMap(\.self))
    default:
      throw .invalid(field: "checkpoint_version", reason: "it is no text")
    }
  }

  private init(text: String, numbers: [Int]) {
    self.text = text
    self.numbers = numbers
  }

  private var padded: [Int] { numbers + Array(repeating: 0, count: 3 - numbers.count) }

  static func == (left: Self, right: Self) -> Bool { left.padded == right.padded }
  static func < (left: Self, right: Self) -> Bool {
    left.padded.lexicographicallyPrecedes(right.padded)
  }
}

private struct CheckpointReader {
  let fields: EventMetadata
  let owner: JobCheckpoint.Owner
  let layout: CheckpointLayout

  // MARK: The version that is written

  func current() throws(CheckpointDefect) -> JobCheckpoint {
    let job = try requiredText("job")
    let type = try requiredText("type")
    guard type == owner.type else { throw .otherType(type) }
    guard job == owner.job else { throw .otherJob(job) }
    try checkRequired()
    guard let run = SyncID(try requiredText("run")) else {
      throw .invalid(field: "run", reason: "it is no run's id")
    }
    let phases = try texts("phases")
    guard Set(phases).count == phases.count else {
      throw .invalid(field: "phases", reason: "one is there twice")
    }
    var checkpoint = JobCheckpoint(
      job: job, type: type, scopeDigest: try requiredText("scope_digest"), run: run,
      phases: phases, runBegan: try requiredTime("run_began_at"))
    var entries: [JobQueue.Entry] = []
    for value in try list(layout.queue) { entries.append(try entry(value, usualPhase: nil)) }
    if fields["long_queue"] != nil {
      for value in try list("long_queue") { entries += try alike(value) }
    }
    try fill(&checkpoint.queue, entries)
    try common(&checkpoint)
    checkpoint.timestamp = try requiredTime("checkpoint_timestamp")
    checkpoint.finishedAt = try time("finished_at")
    checkpoint.boundaries = try texts("boundaries")
    checkpoint.trigger = try text("checkpoint_trigger") ?? ""
    checkpoint.known = try known()
    checkpoint.exceptions = try exceptions()
    checkpoint.sweep = try sweep()
    checkpoint.tables = try tables()
    checkpoint.reference = try reference()
    try checkConsistency(checkpoint)
    return checkpoint
  }

  // MARK: Older versions

  /// Takes over what versions before 2.0 said: a queue of `{name, finished, last_cursor}`, or a list of
  /// completed names. They did not say when their run began, so that the next run reads all records of
  /// their partitions again.
  func older(run: SyncID) throws(CheckpointDefect) -> JobCheckpoint {
    try checkRequired()
    let counted = layout.countedPhase ?? owner.phases.last ?? ""
    guard owner.phases.contains(counted) else {
      throw .invalid(
        field: layout.phase,
        reason: "version 1.0 counts '\(counted)', and the job has no such phase")
    }
    var checkpoint = JobCheckpoint(
      job: owner.job, type: owner.type, scopeDigest: "", run: run, phases: owner.phases,
      runBegan: 0)
    var entries: [JobQueue.Entry] = []
    if fields[layout.queue] != nil {
      for value in try list(layout.queue) {
        entries.append(try entry(value, usualPhase: counted))
      }
    }
    try common(&checkpoint)
    let names = Set(entries.map(\.partition.name))
    if let completed = layout.completed, fields[completed] != nil {
      for name in Set(try texts(completed)).subtracting(names) {
        entries.append(
          JobQueue.Entry(Partition(phase: counted, name: name), state: .finished))
      }
    }
    try fill(&checkpoint.queue, entries)
    // The cursor stood beside the queue, too.
    if let name = layout.cursor, let cursor = try text(name), let current = checkpoint.current,
      let entry = checkpoint.queue[counted, current], entry.state == .waiting
    {
      try checkCursor(cursor, name)
      checkpoint.queue.change(counted, current) { $0.state = .after(cursor) }
    }
    checkpoint.timestamp = try time("checkpoint_timestamp") ?? 0
    checkpoint.trigger = try text("checkpoint_phase") ?? ""
    checkpoint.phase =
      checkpoint.queue.openPhase
      ?? checkpoint.phase.flatMap { phase in
        owner.phases.contains(phase) ? phase : nil
      }
    checkpoint.runBegan = checkpoint.timestamp
    // Of records that changed since its run began nobody knows when that was.
    for entry in checkpoint.queue.entries where entry.state == .finished {
      checkpoint.exceptions[entry.partition] = .some(nil)
    }
    return checkpoint
  }

  // MARK: Parts

  private func checkRequired() throws(CheckpointDefect) {
    for name in layout.required where fields[name] == nil { throw .missing(name) }
  }

  private func common(_ checkpoint: inout JobCheckpoint) throws(CheckpointDefect) {
    checkpoint.current = try text(layout.current)
    checkpoint.total = try count(layout.total) ?? 0
    checkpoint.phase = try text(layout.phase)
    checkpoint.lastSyncAt = try time("last_sync_at")
    if let context = try object("rate_limit_context") {
      let reader = part(context)
      checkpoint.rateLimit = RateLimit(
        remaining: try reader.count("remaining_calls") ?? 0,
        reset: try reader.requiredTime("reset_time"))
    }
    if let context = try object("error_context") {
      let reader = part(context)
      checkpoint.error = JobCheckpoint.ErrorContext(
        lastSuccessfulOperation: try reader.text("last_successful_operation"),
        failurePoint: try reader.text("failure_point") ?? "",
        isRecoverable: try reader.flag("recoverable") ?? true, error: try reader.text("error") ?? ""
      )
    }
  }

  private func fill(
    _ queue: inout JobQueue, _ entries: [JobQueue.Entry]
  ) throws(CheckpointDefect) {
    if let wrong = queue.add(all: entries) {
      throw .invalid(
        field: layout.queue,
        reason: queue.phases.contains(wrong.phase)
          ? "'\(wrong.name)' is there twice" : "there is no phase '\(wrong.phase)'")
    }
  }

  private func entry(
    _ value: EventValue, usualPhase: String?
  ) throws(CheckpointDefect) -> JobQueue.Entry {
    guard case .object(let object) = value else {
      throw .invalid(field: layout.queue, reason: "an entry is no object")
    }
    let reader = part(object)
    guard let name = try reader.text("name"), !name.isEmpty else {
      throw .invalid(field: layout.queue, reason: "an entry has no name")
    }
    guard let phase = try reader.text("phase") ?? usualPhase else {
      throw .invalid(field: layout.queue, reason: "'\(name)' has no phase")
    }
    var entry = JobQueue.Entry(
      Partition(
        phase: phase, name: name, isReadWhole: try reader.flag("read_whole") ?? false))
    let cursor = try reader.text("last_cursor")
    if let cursor { try checkCursor(cursor, layout.queue) }
    guard let isOver = try reader.flag("finished") else {
      throw .invalid(field: layout.queue, reason: "'\(name)' does not say whether it is finished")
    }
    if let reason = try reader.text("passed_over") {
      entry.state = .passedOver(reason)
    } else if isOver {
      entry.state = .finished
    } else if let cursor {
      entry.state = .after(cursor)
    }
    if isOver, cursor != nil, usualPhase == nil {
      throw .invalid(field: layout.queue, reason: "'\(name)' is finished and has a cursor")
    }
    entry.records = try reader.count("records") ?? 0
    entry.restarts = try reader.count("restarts") ?? 0
    entry.failures = try reader.count("failures") ?? 0
    entry.note = try reader.text("note")
    return entry
  }

  private func alike(_ value: EventValue) throws(CheckpointDefect) -> [JobQueue.Entry] {
    guard case .object(let object) = value else {
      throw .invalid(field: "long_queue", reason: "a part is no object")
    }
    let reader = part(object)
    let phase = try reader.requiredText("phase")
    let isFinished = try reader.flag("finished") ?? false
    let isReadWhole = try reader.flag("read_whole") ?? false
    guard let names = NameList.decode(try reader.requiredText("names")),
      names.count == (try reader.count("count"))
    else { throw .invalid(field: "long_queue", reason: "its names are not as many as it says") }
    return names.map {
      JobQueue.Entry(
        Partition(phase: phase, name: $0, isReadWhole: isReadWhole),
        state: isFinished ? .finished : .waiting)
    }
  }

  private func known() throws(CheckpointDefect) -> [String: [String]] {
    guard let object = try object("known") else { return [:] }
    var known: [String: [String]] = [:]
    for pair in object.pairs {
      switch pair.value {
      case .list: known[pair.name] = try part(object).texts(pair.name)
      case .object(let long):
        guard let names = NameList.decode(try part(long).requiredText("names")),
          names.count == (try part(long).count("count"))
        else { throw .invalid(field: "known", reason: "its names are not as many as it says") }
        known[pair.name] = names
      default: throw .invalid(field: "known", reason: "it is no list of names")
      }
    }
    return known
  }

  private func exceptions() throws(CheckpointDefect) -> [Partition: Int64?] {
    guard fields["exceptions"] != nil else { return [:] }
    var exceptions: [Partition: Int64?] = [:]
    for value in try list("exceptions") {
      guard case .object(let object) = value else {
        throw .invalid(field: "exceptions", reason: "one is no object")
      }
      let reader = part(object)
      let partition = Partition(
        phase: try reader.requiredText("phase"), name: try reader.requiredText("name"),
        isReadWhole: try reader.flag("read_whole") ?? false)
      exceptions[partition] = .some(try reader.time("since"))
    }
    return exceptions
  }

  private func sweep() throws(CheckpointDefect) -> JobCheckpoint.Sweep {
    guard let object = try object("sweep") else { return JobCheckpoint.Sweep() }
    let reader = part(object)
    return JobCheckpoint.Sweep(
      lastAt: try reader.time("last_at"), runsSince: try reader.count("runs_since") ?? 0,
      isUnderWay: try reader.flag("under_way") ?? false)
  }

  private func tables() throws(CheckpointDefect) -> [String: JobCheckpoint.TableMark] {
    guard let object = try object("tables") else { return [:] }
    var tables: [String: JobCheckpoint.TableMark] = [:]
    for pair in object.pairs {
      guard case .object(let mark) = pair.value else {
        throw .invalid(field: "tables", reason: "'\(pair.name)' is no object")
      }
      let reader = part(mark)
      tables[pair.name] = JobCheckpoint.TableMark(
        atLeast: try reader.count("at_least") ?? 0, atMost: try reader.count("at_most") ?? 0)
    }
    return tables
  }

  private func reference() throws(CheckpointDefect) -> JobCheckpoint.Reference? {
    guard let object = try object("reference_checkpoint") else { return nil }
    let reader = part(object)
    return JobCheckpoint.Reference(
      generation: try reader.count("generation") ?? 0, run: try reader.text("run") ?? "",
      timestamp: try reader.requiredTime("checkpoint_timestamp"), phase: try reader.text("phase"),
      current: try reader.text("current"), total: try reader.count("total") ?? 0,
      finished: try reader.count("finished") ?? 0)
  }

  private func checkConsistency(_ checkpoint: JobCheckpoint) throws(CheckpointDefect) {
    if let phase = checkpoint.phase, !checkpoint.queue.phases.contains(phase) {
      throw .invalid(field: layout.phase, reason: "there is no phase '\(phase)'")
    }
    if checkpoint.isFinished, let open = checkpoint.queue.entries.first(where: { !$0.isOver }) {
      throw .invalid(
        field: "finished_at", reason: "the run is not finished: '\(open.partition.name)' is open")
    }
    if let name = layout.cursor, try text(name) != checkpoint.cursor {
      throw .invalid(
        field: name,
        reason: "it is not the cursor that the queue has of '\(checkpoint.current ?? "")'")
    }
  }

  private func checkCursor(_ cursor: String, _ field: String) throws(CheckpointDefect) {
    if let problem = Partition.problem(ofCursor: cursor) {
      throw .invalid(field: field, reason: "a cursor \(problem)")
    }
  }

  // MARK: Values

  private func part(_ object: EventMetadata) -> CheckpointReader {
    CheckpointReader(fields: object, owner: owner, layout: layout)
  }

  private func text(_ name: String) throws(CheckpointDefect) -> String? {
    switch fields[name] {
    case nil, .null: return nil
    case .text(let text): return text
    default: throw .invalid(field: name, reason: "it is no text")
    }
  }

  private func requiredText(_ name: String) throws(CheckpointDefect) -> String {
    guard let text = try text(name) else { throw .missing(name) }
    return text
  }

  private func time(_ name: String) throws(CheckpointDefect) -> Int64? {
    guard let text = try text(name) else { return nil }
    guard let time = EventTime.nanoseconds(of: text) else {
      throw .invalid(
        field: name, reason: "'\(text.prefix(40))' is no time like 2025-01-16T10:30:00Z")
    }
    return time
  }

  private func requiredTime(_ name: String) throws(CheckpointDefect) -> Int64 {
    guard let time = try time(name) else { throw .missing(name) }
    return time
  }

  private func count(_ name: String) throws(CheckpointDefect) -> Int? {
    switch fields[name] {
    case nil, .null: return nil
    case .integer(let number) where number >= 0: return Int(clamping: number)
    default: throw .invalid(field: name, reason: "it is no whole number from 0")
    }
  }

  private func flag(_ name: String) throws(CheckpointDefect) -> Bool? {
    switch fields[name] {
    case nil, .null: return nil
    case .bool(let flag): return flag
    default: throw .invalid(field: name, reason: "it is neither true nor false")
    }
  }

  private func list(_ name: String) throws(CheckpointDefect) -> [EventValue] {
    guard case .list(let values)? = fields[name] else {
      throw fields[name] == nil ? .missing(name) : .invalid(field: name, reason: "it is no list")
    }
    return values
  }

  private func texts(_ name: String) throws(CheckpointDefect) -> [String] {
    var texts: [String] = []
    for value in try list(name) {
      guard let text = value.text else {
        throw .invalid(field: name, reason: "an element is no text")
      }
      texts.append(text)
    }
    return texts
  }

  private func object(_ name: String) throws(CheckpointDefect) -> EventMetadata? {
    switch fields[name] {
    case nil, .null: return nil
    case .object(let object): return object
    default: throw .invalid(field: name, reason: "it is no object")
    }
  }
}
