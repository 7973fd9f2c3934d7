import Cairn

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

  /// Groups rows by the bytes of their key.
  ///
  /// - Parameters:
  ///   - rows: The rows, ascending; none has a null among its key values.
  ///   - rowCount: How many rows the columns have.
  ///   - key: The key columns, whose values are equal just when their bytes are.
  init(rows: [UInt32], rowCount: Int, key: [EncodedColumn]) {
    var groups = [UInt32](repeating: 0, count: rowCount)
    var groupCount = 1
    for (position, column) in key.enumerated() {
      let (ids, idCount) = Self.ids(of: column)
      func id(_ row: UInt32) -> UInt32 { ids[Int(column.valueIndex(ofRow: Int(row)))] }
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

  /// Groups rows as the server says.
  ///
  /// - Parameter pairs: Rows that have the key of an earlier one, each with the last such row.
  init(rows: [UInt32], rowCount: Int, pairs: [(row: UInt32, before: UInt32)]) {
    winners = rows
    previous = []
    guard !pairs.isEmpty else { return }
    previous = [UInt32](repeating: Self.none, count: rowCount)
    var hasLater = [Bool](repeating: false, count: rowCount)
    for pair in pairs {
      previous[Int(pair.row)] = pair.before
      hasLater[Int(pair.before)] = true
    }
    winners = rows.filter { !hasLater[Int($0)] }
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

  /// For each distinct value a number that it shares with just the values of the same bytes, and how
  /// many such numbers there are.
  private static func ids(of column: EncodedColumn) -> (ids: [UInt32], count: Int) {
    let valueCount = column.valueCount
    var capacity = 16
    while capacity < valueCount * 2 { capacity *= 2 }
    // Open addressing; a slot holds the value whose bytes it stands for.
    var slots = [UInt32](repeating: none, count: capacity)
    var ids = [UInt32](repeating: 0, count: valueCount)
    var count = 0
    column.bytes.withUnsafeBytes { bytes in
      func value(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
          rebasing: bytes[Int(column.starts[index])..<Int(column.starts[index + 1])])
      }
      for index in 0..<valueCount {
        let own = value(index)
        var hasher = Hasher()
        hasher.combine(bytes: own)
        var slot = hasher.finalize() & (capacity - 1)
        while true {
          let other = slots[slot]
          if other == none {
            slots[slot] = UInt32(index)
            ids[index] = UInt32(count)
            count += 1
            break
          }
          if value(Int(other)).elementsEqual(own) {
            ids[index] = ids[Int(other)]
            break
          }
          slot = (slot + 1) & (capacity - 1)
        }
      }
    }
    return (ids, count)
  }
}
