/// A checkpoint as it is stored.
public struct EncodedCheckpoint: Sendable, Hashable {
  /// The JSON text.
  public var data: String
  /// SHA-256 of it, in hex.
  public var digest: String
  /// How many bytes it has before it is compressed.
  public var plainBytes: Int
  /// Whether it is compressed.
  public var isCompressed: Bool

  /// How many bytes are stored.
  public var bytes: Int { data.utf8.count }
  /// Whether it is so large that somebody should know.
  public var isOversized: Bool { bytes > Self.warningBytes }

  /// From this size on it is compressed.
  public static let compressedBytes = 64 << 10
  /// Above this size there is a warning.
  public static let warningBytes = 1 << 20
  /// Above this size, before it is compressed, none is read, and so none is written.
  public static let maximumBytes = CheckpointPacking.maximumBytes
  /// Whether it can be read again.
  public var isReadable: Bool { plainBytes <= Self.maximumBytes }
}

extension JobCheckpoint {
  /// Writes it as JSON: fields that the recovery needs, and no others. Compressed when it is large: then
  /// the text is an object of its version, time and phase, and the whole as `data`.
  public func encoded(as layout: CheckpointLayout) -> EncodedCheckpoint {
    var plain = JSONLine()
    plain.append(fields(layout))
    guard plain.bytes.count > EncodedCheckpoint.compressedBytes else {
      return EncodedCheckpoint(
        data: String(decoding: plain.bytes, as: UTF8.self),
        digest: JSONContent.digest(of: plain.bytes), plainBytes: plain.bytes.count,
        isCompressed: false)
    }
    var envelope = JSONLine()
    envelope.append(
      [
        "checkpoint_timestamp": EventValue(CheckpointTime.text(timestamp)),
        "checkpoint_phase": EventValue(checkpointPhase),
        "checkpoint_version": EventValue(Self.version), "job": EventValue(job),
        "type": EventValue(type), "encoding": "zstd+base64", "bytes": EventValue(plain.bytes.count),
        "data": EventValue(CheckpointPacking.pack(plain.bytes)),
      ] as EventMetadata)
    return EncodedCheckpoint(
      data: String(decoding: envelope.bytes, as: UTF8.self),
      digest: JSONContent.digest(of: envelope.bytes), plainBytes: plain.bytes.count,
      isCompressed: true)
  }

  private func fields(_ layout: CheckpointLayout) -> EventMetadata {
    let parts = QueueParts(queue)
    var fields: [(String, EventValue)] = [
      (layout.queue, .list(parts.single.map(Self.value))),
      (layout.current, Self.value(current)),
    ]
    if let name = layout.cursor { fields.append((name, Self.value(cursor))) }
    fields.append((layout.total, EventValue(total)))
    fields.append((layout.phase, Self.value(phase)))
    if let name = layout.completed {
      // Of a long queue they are among the other names.
      let completed = parts.single.filter {
        $0.state == .finished
          && (layout.countedPhase == nil || $0.partition.phase == layout.countedPhase)
      }
      fields.append((name, .list(completed.map { EventValue($0.partition.name) })))
    }
    fields += [
      ("last_sync_at", Self.time(lastSyncAt)),
      ("rate_limit_context", rateLimit.map(Self.value) ?? .null),
      ("error_context", error.map(Self.value) ?? .null),
      ("checkpoint_timestamp", Self.time(timestamp)),
      ("checkpoint_phase", EventValue(checkpointPhase)),
      ("checkpoint_version", EventValue(Self.version)),
      ("checkpoint_trigger", EventValue(trigger)),
      ("boundaries", .list(boundaries.map { EventValue($0) })),
      ("job", EventValue(job)), ("type", EventValue(type)),
      ("scope_digest", EventValue(scopeDigest)), ("run", EventValue(run.description)),
      ("run_began_at", Self.time(runBegan)), ("finished_at", Self.time(finishedAt)),
      ("phases", .list(queue.phases.map { EventValue($0) })),
    ]
    if !parts.alike.isEmpty { fields.append(("long_queue", .list(parts.alike.map(Self.value)))) }
    if !known.isEmpty {
      fields.append(
        (
          "known",
          .object(
            EventMetadata(known.sorted { $0.key < $1.key }.map { ($0.key, Self.names($0.value)) }))
        ))
    }
    if !exceptions.isEmpty {
      let sorted = exceptions.sorted {
        $0.key.phase != $1.key.phase
          ? $0.key.phase < $1.key.phase : NameOrder.isBefore($0.key.name, $1.key.name)
      }
      fields.append(
        (
          "exceptions",
          .list(
            sorted.map { partition, since in
              .object([
                "name": EventValue(partition.name), "phase": EventValue(partition.phase),
                "read_whole": EventValue(partition.isReadWhole), "since": Self.time(since),
              ])
            })
        ))
    }
    if sweep != Sweep() {
      fields.append(
        (
          "sweep",
          .object([
            "last_at": Self.time(sweep.lastAt), "runs_since": EventValue(sweep.runsSince),
            "under_way": EventValue(sweep.isUnderWay),
          ])
        ))
    }
    if !tables.isEmpty {
      fields.append(
        (
          "tables",
          .object(
            EventMetadata(
              tables.sorted { $0.key < $1.key }.map { name, mark in
                (
                  name,
                  .object([
                    "at_least": EventValue(mark.atLeast), "at_most": EventValue(mark.atMost),
                  ])
                )
              }))
        ))
    }
    if let reference { fields.append(("reference_checkpoint", Self.value(reference))) }
    return EventMetadata(fields)
  }

  private static func value(_ text: String?) -> EventValue { text.map { EventValue($0) } ?? .null }

  private static func time(_ time: Int64?) -> EventValue {
    time.map { EventValue(CheckpointTime.text($0)) } ?? .null
  }

  private static func value(_ entry: JobQueue.Entry) -> EventValue {
    var fields: EventMetadata = [
      "name": EventValue(entry.partition.name), "finished": EventValue(entry.isOver),
      "last_cursor": value(entry.cursor), "phase": EventValue(entry.partition.phase),
    ]
    if entry.partition.isReadWhole { fields["read_whole"] = true }
    if entry.records != 0 { fields["records"] = EventValue(entry.records) }
    if entry.restarts != 0 { fields["restarts"] = EventValue(entry.restarts) }
    if entry.failures != 0 { fields["failures"] = EventValue(entry.failures) }
    if case .passedOver(let reason) = entry.state { fields["passed_over"] = EventValue(reason) }
    if let note = entry.note { fields["note"] = EventValue(note) }
    return .object(fields)
  }

  private static func value(_ alike: QueueParts.Alike) -> EventValue {
    .object([
      "phase": EventValue(alike.phase), "finished": EventValue(alike.isFinished),
      "read_whole": EventValue(alike.isReadWhole), "count": EventValue(alike.names.count),
      "names": EventValue(NameList.encode(alike.names)),
    ])
  }

  private static func names(_ names: [String]) -> EventValue {
    guard names.count > JobQueue.longQueue, names.allSatisfy(NameList.mayHold) else {
      return .list(names.map { EventValue($0) })
    }
    return .object([
      "count": EventValue(names.count), "names": EventValue(NameList.encode(names)),
    ])
  }

  private static func value(_ limit: RateLimit) -> EventValue {
    .object([
      "remaining_calls": EventValue(limit.remaining), "reset_time": time(limit.reset),
    ])
  }

  private static func value(_ error: ErrorContext) -> EventValue {
    .object([
      "last_successful_operation": value(error.lastSuccessfulOperation),
      "failure_point": EventValue(error.failurePoint),
      "recoverable": EventValue(error.isRecoverable), "error": EventValue(error.error),
    ])
  }

  private static func value(_ reference: Reference) -> EventValue {
    .object([
      "generation": EventValue(reference.generation), "run": EventValue(reference.run),
      "checkpoint_timestamp": time(reference.timestamp), "phase": value(reference.phase),
      "current": value(reference.current), "total": EventValue(reference.total),
      "finished": EventValue(reference.finished),
    ])
  }
}

/// A queue as it is written: partitions by themselves, and many that are alike by their names alone.
private struct QueueParts {
  var single: [JobQueue.Entry] = []
  var alike: [Alike] = []

  struct Alike {
    var phase: String
    var isFinished: Bool
    var isReadWhole: Bool
    var names: [String] = []
  }

  private struct Key: Hashable {
    var phase: String
    var isFinished: Bool
    var isReadWhole: Bool
  }

  init(_ queue: JobQueue) {
    var counts: [Key: Int] = [:]
    for entry in queue.entries {
      if let key = Self.key(entry) { counts[key, default: 0] += 1 }
    }
    guard counts.values.contains(where: { $0 > JobQueue.longQueue }) else {
      single = queue.entries
      return
    }
    var places: [Key: Int] = [:]
    for entry in queue.entries {
      guard let key = Self.key(entry), counts[key, default: 0] > JobQueue.longQueue else {
        single.append(entry)
        continue
      }
      let place = places[key] ?? alike.count
      if place == alike.count {
        places[key] = place
        alike.append(
          Alike(phase: key.phase, isFinished: key.isFinished, isReadWhole: key.isReadWhole))
      }
      alike[place].names.append(entry.partition.name)
    }
  }

  private static func key(_ entry: JobQueue.Entry) -> Key? {
    guard entry.records == 0, entry.restarts == 0, entry.failures == 0, entry.note == nil,
      entry.state == .finished || entry.state == .waiting,
      NameList.mayHold(entry.partition.name)
    else { return nil }
    return Key(
      phase: entry.partition.phase, isFinished: entry.state == .finished,
      isReadWhole: entry.partition.isReadWhole)
  }
}

/// Times in checkpoints: ISO 8601, in UTC, with a fraction only where there is one.
enum CheckpointTime {
  static func text(_ nanoseconds: Int64) -> String {
    let text = EventTime.text(ofNanoseconds: nanoseconds)
    return text.hasSuffix(".000000Z") ? String(text.dropLast(8)) + "Z" : text
  }
}
