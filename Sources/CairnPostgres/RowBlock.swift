import Cairn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Rows in the form of a binary COPY, put together from encoded columns by copying bytes.
struct RowBlock: Sendable {
  /// The rows one after the other: the number of columns in two bytes, then the values.
  let bytes: [UInt8]
  /// For each row where it begins in `bytes`, then where the last one ends.
  let starts: [Int]
  /// How many values a row has.
  let columnCount: Int

  /// How many rows there are.
  var rowCount: Int { starts.count - 1 }

  init(_ columns: [EncodedColumn], rowCount: Int) {
    columnCount = columns.count
    // Rows first by their sizes, column by column, so that each is written to its place.
    var starts = [Int](repeating: 0, count: rowCount + 1)
    for column in columns {
      column.starts.withUnsafeBufferPointer { values in
        let null = values.count - 2
        if let indices = column.indices {
          for row in 0..<rowCount {
            let value = indices[row] == Column.null ? null : Int(indices[row])
            starts[row + 1] += Int(values[value + 1] - values[value])
          }
        } else {
          for row in 0..<rowCount { starts[row + 1] += Int(values[row + 1] - values[row]) }
        }
      }
    }
    for row in 0..<rowCount { starts[row + 1] += starts[row] + 2 }
    self.starts = starts
    let size = starts[rowCount]
    bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      if let base = buffer.baseAddress {
        Self.fill(UnsafeMutableRawPointer(base), columns, rowCount: rowCount)
      }
      count = size
    }
  }

  /// Where a column's values lie, for the time of a call.
  private struct Values {
    var bytes: UnsafeRawPointer
    var starts: UnsafePointer<UInt32>
    var null: Int
    var indices: UnsafePointer<UInt32>?
  }

  private static func fill(
    _ target: UnsafeMutableRawPointer, _ columns: [EncodedColumn], rowCount: Int
  ) {
    var lent: [Values] = []
    lent.reserveCapacity(columns.count)
    lend(columns[...], &lent) { values in
      let count = Int16(truncatingIfNeeded: values.count).bigEndian
      var target = target
      for row in 0..<rowCount {
        target.storeBytes(of: count, as: Int16.self)
        target += 2
        for column in values {
          var value = row
          if let indices = column.indices {
            value = indices[row] == Column.null ? column.null : Int(indices[row])
          }
          let start = Int(column.starts[value])
          let length = Int(column.starts[value + 1]) - start
          memcpy(target, column.bytes + start, length)
          target += length
        }
      }
    }
  }

  // An array lends its memory for the time of a call, so the columns are nested.
  private static func lend(
    _ columns: ArraySlice<EncodedColumn>, _ lent: inout [Values],
    _ body: (UnsafeBufferPointer<Values>) -> Void
  ) {
    guard let column = columns.first else {
      lent.withUnsafeBufferPointer(body)
      return
    }
    column.bytes.withUnsafeBytes { bytes in
      column.starts.withUnsafeBufferPointer { starts in
        guard let bytes = bytes.baseAddress, let first = starts.baseAddress else { return }
        func goOn(_ indices: UnsafePointer<UInt32>?) {
          lent.append(
            Values(bytes: bytes, starts: first, null: starts.count - 2, indices: indices))
          lend(columns.dropFirst(), &lent, body)
        }
        if let indices = column.indices {
          // Without rows there is nothing to write.
          indices.withUnsafeBufferPointer { if let start = $0.baseAddress { goOn(start) } }
        } else {
          goOn(nil)
        }
      }
    }
  }

  /// Sends rows of a COPY: header, the rows in the order given, trailer.
  ///
  /// - Parameter halfway: Called when half of the rows are sent.
  func send(
    _ rows: ArraySlice<UInt32>, halfway: () -> Void,
    to send: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try CopyRows.header.withUnsafeBytes(send)
    let half = rows.startIndex + rows.count / 2
    try bytes.withUnsafeBytes { bytes in
      var position = rows.startIndex
      while position < rows.endIndex {
        if position == half { halfway() }
        // Neighbours go together.
        var next = position + 1
        while next < rows.endIndex, next != half, rows[next] == rows[next - 1] + 1 { next += 1 }
        try send(
          UnsafeRawBufferPointer(
            rebasing: bytes[starts[Int(rows[position])]..<starts[Int(rows[next - 1]) + 1]]))
        position = next
      }
    }
    try CopyRows.trailer.withUnsafeBytes(send)
  }

  /// Whether a row has the same bytes as a record in PostgreSQL's binary form: the number of columns,
  /// then for each its type, its length (-1 for NULL) and its value.
  func isEqual(_ row: Int, toRecord record: UnsafeRawBufferPointer) -> Bool {
    guard record.count >= 4, let other = record.baseAddress,
      record.loadUnaligned(as: UInt32.self).bigEndian == UInt32(columnCount)
    else { return false }
    return bytes.withUnsafeBytes { bytes in
      guard let own = bytes.baseAddress else { return false }
      var position = starts[row] + 2
      var otherPosition = 4
      for _ in 0..<columnCount {
        otherPosition += 4
        guard otherPosition + 4 <= record.count else { return false }
        let length = own.loadUnaligned(fromByteOffset: position, as: UInt32.self)
        guard other.loadUnaligned(fromByteOffset: otherPosition, as: UInt32.self) == length else {
          return false
        }
        position += 4
        otherPosition += 4
        let count = Int(Int32(bitPattern: length.bigEndian))
        guard count > 0 else { continue }
        guard otherPosition + count <= record.count,
          memcmp(own + position, other + otherPosition, count) == 0
        else { return false }
        position += count
        otherPosition += count
      }
      return otherPosition == record.count
    }
  }
}
