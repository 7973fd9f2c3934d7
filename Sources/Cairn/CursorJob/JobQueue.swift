/// The partitions of a run, phase by phase, within a phase in the order of their names.
public struct JobQueue: Sendable, Hashable {
  /// The phases, in their order.
  public private(set) var phases: [String]
  /// The partitions: those of a phase together, in the order of their names.
  public private(set) var entries: [Entry] = []

  /// A partition and how far it is.
  public struct Entry: Sendable, Hashable {
    /// The partition.
    public var partition: Partition
    /// How it stands.
    public var state: State = .waiting
    /// How many records were read, as far as it is kept: not of a finished one in a long queue.
    public var records = 0
    /// How often it began anew because its cursor was refused.
    public var restarts = 0
    /// In how many attempts in a row it failed, up to the last one.
    public var failures = 0
    /// What was noticed: another name.
    public var note: String?

    /// Makes an entry.
    public init(
      _ partition: Partition, state: State = .waiting, records: Int = 0, restarts: Int = 0,
      failures: Int = 0, note: String? = nil
    ) {
      self.failures = failures
      self.partition = partition
      self.state = state
      self.records = records
      self.restarts = restarts
      self.note = note
    }

    /// Whether nothing of it is left to do.
    public var isOver: Bool {
      switch state {
      case .waiting, .after: false
      case .finished, .passedOver: true
      }
    }

    /// The cursor after its last record that is committed.
    public var cursor: String? { if case .after(let cursor) = state { cursor } else { nil } }
  }

  /// How a partition stands.
  public enum State: Sendable, Hashable {
    /// It has not begun.
    case waiting
    /// It goes on after a cursor.
    case after(String)
    /// It is finished.
    case finished
    /// It could not be read, for a reason.
    case passedOver(String)
  }

  /// Makes a queue without partitions.
  public init(phases: [String]) { self.phases = phases }

  /// The entry of a partition.
  public subscript(phase: String, name: String) -> Entry? {
    position(phase, name).flatMap { $0.isFound ? entries[$0.index] : nil }
  }

  /// Adds an entry, unless its partition is there or its phase is none.
  @discardableResult
  public mutating func add(_ entry: Entry) -> Bool {
    guard let place = position(entry.partition.phase, entry.partition.name), !place.isFound else {
      return false
    }
    entries.insert(entry, at: place.index)
    return true
  }

  /// Adds many entries; faster than one by one.
  ///
  /// - Returns: The first that is there twice, or whose phase is none.
  mutating func add(all added: [Entry]) -> Partition? {
    let order = Dictionary(uniqueKeysWithValues: phases.enumerated().map { ($1, $0) })
    var keyed: [(phase: Int, entry: Entry)] = []
    for entry in entries + added {
      guard let phase = order[entry.partition.phase] else { return entry.partition }
      keyed.append((phase, entry))
    }
    keyed.sort {
      $0.phase != $1.phase
        ? $0.phase < $1.phase : NameOrder.isBefore($0.entry.partition.name, $1.entry.partition.name)
    }
    for (left, right) in zip(keyed, keyed.dropFirst())
    where left.phase == right.phase && left.entry.partition.name == right.entry.partition.name {
      return left.entry.partition
    }
    entries = keyed.map(\.entry)
    return nil
  }

  /// Changes an entry that is there. Its partition stays.
  mutating func change(_ phase: String, _ name: String, _ body: (inout Entry) -> Void) {
    guard let place = position(phase, name), place.isFound else { return }
    body(&entries[place.index])
  }

  /// Takes an entry out.
  mutating func remove(_ phase: String, _ name: String) {
    guard let place = position(phase, name), place.isFound else { return }
    entries.remove(at: place.index)
  }

  /// Takes over the phases of a source, in their order; partitions of others are dropped.
  mutating func adopt(phases: [String]) {
    guard phases != self.phases else { return }
    let kept = entries.filter { phases.contains($0.partition.phase) }
    self.phases = phases
    entries = []
    _ = add(all: kept)
  }

  /// The first phase that has partitions which are not over; nil when there are none.
  public var openPhase: String? { entries.first { !$0.isOver }?.partition.phase }

  /// Drops what is only of interest as long as there are few: of a phase with many finished partitions
  /// their records and notes.
  mutating func shorten() {
    var finished: [String: Int] = [:]
    for entry in entries where entry.state == .finished {
      finished[entry.partition.phase, default: 0] += 1
    }
    guard finished.values.contains(where: { $0 > Self.longQueue }) else { return }
    for index in entries.indices
    where entries[index].state == .finished
      && finished[entries[index].partition.phase, default: 0] > Self.longQueue
    {
      entries[index].records = 0
      entries[index].restarts = 0
      entries[index].note = nil
    }
  }

  /// More partitions of a phase that are alike than these are stored in a compact way.
  static let longQueue = 100

  private func position(_ phase: String, _ name: String) -> (index: Int, isFound: Bool)? {
    guard let wanted = phases.firstIndex(of: phase) else { return nil }
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      let partition = entries[middle].partition
      let order = phases.firstIndex(of: partition.phase) ?? 0
      if order < wanted || order == wanted && NameOrder.isBefore(partition.name, name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    let isFound =
      low < entries.count && entries[low].partition.phase == phase
      && entries[low].partition.name == name
    return (low, isFound)
  }
}

/// The order of names: of their UTF-8, which is the same everywhere.
enum NameOrder {
  static func isBefore(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}
