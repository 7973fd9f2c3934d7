import Cairn
import GRDB
import Parquet

/// Which rows of a chunk have the same key, by the database's own idea of equality.
struct KeyGroups: Sendable {
  /// The last row of each key, in source order.
  var winners: [UInt32]
  /// For each row the one before it with the same key, or ``none``; empty when no key repeats.
  var previous: [UInt32]

  /// No row.
  static let none = UInt32.max

  /// Every row is by itself.
  init(distinctRows rows: [UInt32]) {
    winners = rows
    previous = []
  }

  /// Groups rows by their key.
  ///
  /// - Parameters:
  ///   - rows: The rows, ascending; none has a null among its key values.
  ///   - rowCount: How many rows the columns have.
  ///   - key: The key columns, each with how the target's unique key sees it.
  init(rows: [UInt32], rowCount: Int, key: [KeyValues]) throws {
    var groups = [UInt32](repeating: 0, count: rowCount)
    var groupCount = 1
    for (position, column) in key.enumerated() {
      let (ids, idCount) = try column.canonicalIDs()
      func id(_ row: UInt32) -> UInt32 {
        ids[Int(column.values.indices?[Int(row)] ?? row)]
      }
      if position == 0 {
        for row in rows { groups[Int(row)] = id(row) }
        groupCount = idCount
      } else {
        var pairs: [UInt64: UInt32] = [:]
        pairs.reserveCapacity(rows.count)
        for row in rows {
          let pair = UInt64(groups[Int(row)]) << 32 | UInt64(id(row))
          let next = UInt32(pairs.count)
          let group = pairs[pair] ?? next
          if group == next { pairs[pair] = group }
          groups[Int(row)] = group
        }
        groupCount = pairs.count
      }
    }
    var last = [UInt32](repeating: Self.none, count: groupCount)
    var previous = [UInt32](repeating: Self.none, count: rowCount)
    var repeats = false
    for row in rows {
      let group = Int(groups[Int(row)])
      if last[group] != Self.none {
        previous[Int(row)] = last[group]
        repeats = true
      }
      last[group] = row
    }
    self.previous = repeats ? previous : []
    winners = repeats ? rows.filter { last[Int(groups[Int($0)])] == $0 } : rows
  }

  /// The row before this one with the same key, or nil.
  @inline(__always)
  func before(_ row: UInt32) -> UInt32? {
    guard !previous.isEmpty else { return nil }
    let row = previous[Int(row)]
    return row == Self.none ? nil : row
  }

  /// How many rows before this one have the same key.
  func countBefore(_ row: UInt32) -> Int {
    var count = 0
    var next = before(row)
    while let row = next {
      count += 1
      next = before(row)
    }
    return count
  }
}

/// The values of a key column, with what decides whether two of them are equal.
struct KeyValues {
  /// The values.
  var values: BoundColumn
  /// The affinity of the target's column.
  var affinity: Affinity
  /// The collation of the unique key.
  var collation: String

  /// For each distinct value a number that it shares with just the values equal to it, and how many
  /// such numbers there are.
  func canonicalIDs() throws -> (ids: [UInt32], count: Int) {
    switch (values.values, affinity) {
    case (.texts(let strings), .text) where comparesBytes: Self.ids(of: strings)
    case (.texts(let strings), .blob) where comparesBytes: Self.ids(of: strings)
    case (.integers(let numbers), .integer), (.integers(let numbers), .numeric),
      (.integers(let numbers), .blob):
      Self.ids(of: numbers)
    default: try idsByDatabase()
    }
  }

  /// For each distinct value whether it may be equal to one that the database holds in a column of the
  /// same affinity and collation; nil where only the database can tell. Never false for one that is.
  func mayEqual(_ others: [DatabaseValue]) -> [Bool]? {
    switch (values.values, affinity) {
    case (.texts(let strings), .text) where comparesBytes,
      (.texts(let strings), .blob) where comparesBytes:
      var hashes: Set<Int> = []
      for other in others {
        guard case .string(var text) = other.storage else { continue }
        hashes.insert(text.withUTF8 { Self.hash(UnsafeRawBufferPointer($0)) })
      }
      defer { withExtendedLifetime(strings.storage) {} }
      return (0..<strings.count).map { hashes.contains(Self.hash(strings.unsafeBytes(at: $0))) }
    case (.integers(let numbers), .integer), (.integers(let numbers), .numeric),
      (.integers(let numbers), .blob):
      var known: Set<Int64> = []
      for other in others {
        switch other.storage {
        case .int64(let number): known.insert(number)
        // It may be equal to a whole number.
        case .double: return nil
        default: break
        }
      }
      return numbers.map(known.contains)
    default: return nil
    }
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return hasher.finalize()
  }

  private var comparesBytes: Bool { collation.asciiLowercased == "binary" }

  private static func ids(of numbers: [Int64]) -> (ids: [UInt32], count: Int) {
    var known: [Int64: UInt32] = [:]
    known.reserveCapacity(numbers.count)
    let ids = numbers.map { number in
      let next = UInt32(known.count)
      let id = known[number] ?? next
      if id == next { known[number] = id }
      return id
    }
    return (ids, known.count)
  }

  private static func ids(of strings: ByteStrings) -> (ids: [UInt32], count: Int) {
    var capacity = 16
    while capacity < strings.count * 2 { capacity *= 2 }
    // Open addressing; a slot holds the value whose bytes it stands for.
    var slots = [UInt32](repeating: KeyGroups.none, count: capacity)
    var ids = [UInt32](repeating: 0, count: strings.count)
    var count = 0
    for index in 0..<strings.count {
      let bytes = strings.unsafeBytes(at: index)
      var slot = hash(bytes) & (capacity - 1)
      while true {
        let other = slots[slot]
        if other == KeyGroups.none {
          slots[slot] = UInt32(index)
          ids[index] = UInt32(count)
          count += 1
          break
        }
        if strings.unsafeBytes(at: Int(other)).elementsEqual(bytes) {
          ids[index] = ids[Int(other)]
          break
        }
        slot = (slot + 1) & (capacity - 1)
      }
    }
    withExtendedLifetime(strings.storage) {}
    return (ids, count)
  }

  /// Asks SQLite, with a column of the same affinity and collation in a database of its own.
  private func idsByDatabase() throws -> (ids: [UInt32], count: Int) {
    let valueCount = values.valueCount
    var ids = [UInt32](repeating: 0, count: valueCount)
    var count = 0
    var plain = values
    plain.indices = nil
    try DatabaseQueue().writeWithoutTransaction { db in
      guard let connection = db.sqliteConnection else { return }
      try db.execute(
        sql: """
          PRAGMA journal_mode = OFF;
          CREATE TABLE equal (
            id INTEGER PRIMARY KEY,
            value \(affinity.rawValue) COLLATE \(collation.quotedIdentifier) UNIQUE);
          """)
      // Which value is there already is told by the unique index, as in the target: a comparison in
      // a WHERE clause would not convert the value first.
      let insert = try SQLStatement(
        """
        INSERT INTO equal (value) VALUES (?1)
        ON CONFLICT (value) DO UPDATE SET value = value RETURNING id
        """, on: connection)
      try Binder.withBinders(for: [plain]) { binders in
        for index in 0..<valueCount {
          // What the target cannot hold was refused before; it has no equal.
          guard values.unfit[UInt32(index)] == nil else { continue }
          binders[0].bind(UInt32(index), to: insert.handle, at: 1)
          if let id = try insert.integer() { ids[index] = UInt32(id) }
        }
      }
      count = try Int.fetchOne(db, sql: "SELECT coalesce(max(id), 0) + 1 FROM equal") ?? 1
    }
    return (ids, count)
  }
}
