internal import Cairn

/// What a target must hold, by a plain model that forgets nothing: each row remembers the run and
/// chunk that wrote it.
struct SinkModel {
  /// When a row was written, in the order in which sources and their chunks follow each other.
  struct Stamp: Comparable {
    var sequence: Int64
    var chunk: Int

    static func < (one: Stamp, other: Stamp) -> Bool {
      (one.sequence, one.chunk) < (other.sequence, other.chunk)
    }
  }

  private struct Entry {
    var cells: [CellValue]
    var stamp: Stamp
  }

  /// Positions of the key columns; empty when rows are only appended.
  let key: [Int]
  /// Whether the database refuses a row.
  let refuses: @Sendable ([CellValue]) -> Bool

  private var entries: [[CellValue]: Entry] = [:]
  private var appended: [[CellValue]] = []
  /// What replacing runs have loaded, by their number.
  private var shadows: [Int64: [[CellValue]: Entry]] = [:]
  /// The number of the last run that replaced all rows.
  private var replacedBy: Int64 = -1

  init(key: [Int], refuses: @escaping @Sendable ([CellValue]) -> Bool) {
    self.key = key
    self.refuses = refuses
  }

  /// The rows of the target, in no particular order.
  var rows: [[CellValue]] { appended + entries.values.map(\.cells) }

  /// Commits a chunk.
  ///
  /// - Returns: What became of its rows.
  mutating func commit(_ chunk: [ScriptedRow], stamp: Stamp, mode: LoadMode) -> RowCounts {
    var counts = RowCounts()
    counts.rows = chunk.count
    var groups: [[CellValue]: [[CellValue]]] = [:]
    var order: [[CellValue]] = []
    for row in chunk {
      guard let cells = row.cells else {
        counts.rejected += 1
        continue
      }
      if mode == .append {
        if refuses(cells) {
          counts.rejected += 1
        } else {
          appended.append(cells)
          counts.inserted += 1
        }
        continue
      }
      let keyCells = key.map { cells[$0] }
      if groups[keyCells] == nil { order.append(keyCells) }
      groups[keyCells, default: []].append(cells)
    }
    for keyCells in order {
      var group = groups[keyCells] ?? []
      let table = mode == .replace ? shadows[stamp.sequence, default: [:]] : entries
      let present = table[keyCells]
      if mode != .replace, stamp.sequence < replacedBy {
        counts.superseded += group.count
        continue
      }
      if let present, present.stamp > stamp {
        counts.superseded += group.count
        continue
      }
      while let cells = group.popLast() {
        if refuses(cells) {
          counts.rejected += 1
          continue
        }
        let entry = Entry(cells: cells, stamp: stamp)
        if let present {
          if mode == .insertOnly, present.stamp.sequence != stamp.sequence {
            counts.kept += 1 + group.count
            break
          }
          if present.cells == cells { counts.unchanged += 1 } else { counts.updated += 1 }
        } else {
          counts.inserted += 1
        }
        if mode == .replace {
          shadows[stamp.sequence, default: [:]][keyCells] = entry
        } else {
          entries[keyCells] = entry
        }
        counts.superseded += group.count
        break
      }
    }
    return counts
  }

  /// Completes a replacing run.
  mutating func swap(_ sequence: Int64) {
    entries = shadows.removeValue(forKey: sequence) ?? [:]
    appended = []
    replacedBy = sequence
  }
}
