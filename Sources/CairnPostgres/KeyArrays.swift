import Cairn

/// The keys of rows as parameters of a statement: an array for each key column, and SQL that makes
/// rows of them.
struct KeyArrays: Sendable {
  /// The key columns of the chunk, in the order of the unique key.
  var columns: [EncodedColumn]
  /// The columns of the table that they belong to, and how the key compares them.
  var parts: [(shape: ShapeColumn, key: KeyColumn)]

  /// How many parameters the arrays take.
  var parameterCount: Int { columns.count }

  /// Whether each part of a row's key has a value that the table holds.
  func isWhole(_ row: UInt32) -> Bool {
    columns.allSatisfy { column in
      let value = column.valueIndex(ofRow: Int(row))
      return value != Column.null && column.unfit[value] == nil
    }
  }

  /// The arrays, with the keys of some rows.
  func parameters(for rows: some Collection<UInt32>) -> [Parameter] {
    zip(columns, parts).map { column, part in
      var array = ArrayWriter(
        element: part.shape.base.oid, count: rows.count, capacity: rows.count * 20)
      column.bytes.withUnsafeBytes { bytes in
        for row in rows {
          let value = Int(column.valueIndex(ofRow: Int(row)))
          array.append(
            UnsafeRawBufferPointer(
              rebasing: bytes[Int(column.starts[value])..<Int(column.starts[value + 1])]))
        }
      }
      return .binary(array.bytes, type: part.shape.base.array)
    }
  }

  /// `unnest($1, …) WITH ORDINALITY AS k(k0, …, ord)`, `ord` being the position among the rows
  /// from 1.
  ///
  /// - Parameter first: The number of the first parameter.
  func source(first: Int = 1) -> String {
    let arrays = columns.indices.map { "$\($0 + first)" }.joined(separator: ", ")
    let names = columns.indices.map { "k\($0)" }.joined(separator: ", ")
    return "unnest(\(arrays)) WITH ORDINALITY AS k(\(names), ord)"
  }

  /// Whether the table's row has the key, by the unique index's own equality.
  ///
  /// - Parameter table: The name by which the statement calls the table.
  func matches(_ table: String) -> String {
    parts.enumerated().map { position, part in
      let collation = part.key.otherCollation.map { " COLLATE \($0)" } ?? ""
      return
        "\(table).\(part.key.name.quotedIdentifier)\(collation) \(part.key.equality) k.k\(position)"
    }.joined(separator: " AND ")
  }

  /// Key column `position` of the rows, to be compared by the collation of the unique index.
  func collated(_ position: Int) -> String {
    let part = parts[position]
    let collation = part.key.otherCollation ?? part.shape.inexactCollation
    return "k.k\(position)" + (collation.map { " COLLATE \($0)" } ?? "")
  }

  /// SQL for a number that is the same for equal keys.
  var hash: String {
    "hash_record_extended(ROW(\(columns.indices.map(collated).joined(separator: ", "))), 0)"
  }

  /// SQL for the key as an array of texts.
  var texts: String {
    "ARRAY[\(columns.indices.map { "k.k\($0)::text" }.joined(separator: ", "))]"
  }

  /// Whether an array of texts, as ``texts`` makes it, is the key.
  func matches(texts: String) -> String {
    parts.enumerated().map { position, part in
      "\(texts)[\(position + 1)]::\(part.shape.base.sql) \(part.key.equality) "
        + collated(position)
    }.joined(separator: " AND ")
  }
}

/// A one-dimensional array in PostgreSQL's binary form (`array_send` in its sources).
struct ArrayWriter {
  private(set) var bytes: [UInt8] = []

  /// - Parameters:
  ///   - element: The type of the elements.
  ///   - count: How many there will be.
  ///   - capacity: How many bytes they will take, roughly.
  init(element: UInt32, count: Int, capacity: Int) {
    bytes.reserveCapacity(capacity + 20)
    // Dimensions, whether there may be NULLs, element type, length, first index.
    number(Int32(count == 0 ? 0 : 1))
    number(Int32(1))
    number(element)
    if count > 0 {
      number(Int32(count))
      number(Int32(1))
    }
  }

  /// An element with its length before it.
  @inline(__always)
  mutating func append(_ element: UnsafeRawBufferPointer) { bytes.append(contentsOf: element) }

  /// A number of 2, 4 or 8 bytes.
  @inline(__always)
  mutating func number(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Puts a length where space was left for it.
  mutating func setLength(at position: Int) {
    let length = Int32(bytes.count - position - 4).bigEndian
    withUnsafeBytes(of: length) { source in
      for (index, byte) in source.enumerated() { bytes[position + index] = byte }
    }
  }
}
