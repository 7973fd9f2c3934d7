internal import Parquet

/// Joins columns of text, row by row, with a space between the parts.
///
/// A part that means "no value", or is empty, is left out together with its space. The work is done
/// once per distinct combination of parts.
enum JoinedColumns {
  /// - Parameters:
  ///   - parts: Two columns of text or more, of equal length.
  ///   - nulls: The source's null tokens.
  ///   - trims: Whether white space around each part is dropped.
  static func join(
    _ parts: [Column], named name: String, nulls: NullTokens, trims: Bool
  ) -> Column {
    guard var joined = parts.first.map({ clean($0, nulls: nulls, trims: trims) }) else {
      return Column(name: name, type: .text, values: .text(ByteStrings([])))
    }
    for part in parts.dropFirst() {
      joined = join(joined, clean(part, nulls: nulls, trims: trims))
    }
    return Column(
      name: name, type: .text, values: .text(joined.texts), indices: joined.indices)
  }

  private struct Part {
    var texts: ByteStrings
    var indices: [UInt32]?
    var rowCount: Int { indices?.count ?? texts.count }
  }

  /// The column with its null tokens emptied; a last, empty text stands for rows without a value.
  private static func clean(_ column: Column, nulls: NullTokens, trims: Bool) -> Part {
    let texts = column.values.rendered(type: column.type)
    var slices = texts.slices
    for index in 0..<texts.count {
      let whole = texts.unsafeBytes(at: index)
      let trimmed = whole.trimmed
      if nulls.contains(trimmed) {
        slices[index].length = 0
      } else if trims, trimmed.count != whole.count, let start = trimmed.baseAddress,
        let base = texts.storage.bytes.baseAddress
      {
        slices[index] = ByteSlice(offset: UInt32(start - base), length: UInt32(trimmed.count))
      }
    }
    slices.append(ByteSlice(offset: 0, length: 0))
    let missing = UInt32(texts.count)
    let rowCount = column.rowCount
    let indices =
      column.indices.map { indices in indices.map { $0 == Column.null ? missing : $0 } }
      ?? (0..<UInt32(rowCount)).map { $0 }
    return Part(texts: ByteStrings(storage: texts.storage, slices: slices), indices: indices)
  }

  private static func join(_ left: Part, _ right: Part) -> Part {
    guard let leftIndices = left.indices, let rightIndices = right.indices else { return left }
    let rows = leftIndices.count
    var pairs: [(left: UInt32, right: UInt32)] = []
    let indices = [UInt32](unsafeUninitializedCapacity: rows) { indices, filled in
      let combinations = left.texts.count * right.texts.count
      if combinations <= max(4096, rows * 2) {
        // Few combinations: a table with a place for each.
        var numbers = [UInt32](repeating: .max, count: combinations)
        for row in 0..<rows {
          let place = Int(leftIndices[row]) * right.texts.count + Int(rightIndices[row])
          if numbers[place] == .max {
            numbers[place] = UInt32(pairs.count)
            pairs.append((leftIndices[row], rightIndices[row]))
          }
          indices[row] = numbers[place]
        }
      } else {
        var table = PairTable(rows: rows)
        for row in 0..<rows {
          indices[row] = table.number(of: leftIndices[row], rightIndices[row], in: &pairs)
        }
      }
      filled = rows
    }
    var capacity = 0
    for pair in pairs {
      capacity +=
        Int(left.texts.slices[Int(pair.left)].length)
        + Int(right.texts.slices[Int(pair.right)].length) + 1
    }
    var slices: [ByteSlice] = []
    slices.reserveCapacity(pairs.count)
    let storage = ByteStorage(capacity: capacity) { destination in
      var position = 0
      func append(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: destination[position...]).copyMemory(from: bytes)
        position += bytes.count
      }
      for pair in pairs {
        let start = position
        let first = left.texts.unsafeBytes(at: Int(pair.left))
        let second = right.texts.unsafeBytes(at: Int(pair.right))
        append(first)
        if !first.isEmpty, !second.isEmpty {
          destination[position] = 0x20
          position += 1
        }
        append(second)
        slices.append(ByteSlice(offset: UInt32(start), length: UInt32(position - start)))
      }
      return position
    }
    withExtendedLifetime((left.texts, right.texts)) {}
    return Part(texts: ByteStrings(storage: storage, slices: slices), indices: indices)
  }

  /// Numbers pairs in the order in which they appear: open addressing, at most half full.
  private struct PairTable {
    private var keys: [UInt64]
    private var numbers: [UInt32]
    private let shift: UInt64

    init(rows: Int) {
      var bits = 4
      while 1 << bits < rows * 2 { bits += 1 }
      keys = [UInt64](repeating: 0, count: 1 << bits)
      numbers = [UInt32](repeating: .max, count: 1 << bits)
      shift = UInt64(64 - bits)
    }

    mutating func number(
      of left: UInt32, _ right: UInt32, in pairs: inout [(left: UInt32, right: UInt32)]
    ) -> UInt32 {
      let key = UInt64(left) << 32 | UInt64(right)
      var place = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
      while numbers[place] != .max {
        if keys[place] == key { return numbers[place] }
        place = (place + 1) & (keys.count - 1)
      }
      keys[place] = key
      numbers[place] = UInt32(pairs.count)
      pairs.append((left, right))
      return numbers[place]
    }
  }
}
