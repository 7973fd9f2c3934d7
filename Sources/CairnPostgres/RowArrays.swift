import Cairn

/// Rows as the parameter of a statement: one array of the table's own row type. What is compared,
/// assigned and checked is then of the table's types, and no staging table is needed, nor the right
/// to create one.
struct RowArrays: Sendable {
  /// The table.
  var shape: TargetShape
  /// For each column of the table the position of the job's column, or nil when the job loads none.
  private var positions: [Int?]

  init(_ shape: TargetShape, columns: [String]) {
    self.shape = shape
    positions = shape.columns.map { column in columns.firstIndex(of: column.name) }
  }

  /// The array, with some rows of a block.
  func parameter(for rows: some Collection<UInt32>, of block: RowBlock) -> Parameter {
    var capacity = 0
    for row in rows { capacity += block.starts[Int(row) + 1] - block.starts[Int(row)] }
    var array = ArrayWriter(
      element: shape.rowType, count: rows.count,
      capacity: capacity + rows.count * (8 + 8 * shape.columns.count))
    var values = [Range<Int>?](repeating: nil, count: block.columnCount)
    block.bytes.withUnsafeBytes { bytes in
      for row in rows {
        var position = block.starts[Int(row)] + 2
        for column in 0..<block.columnCount {
          let length = Int32(
            bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
          let end = position + 4 + Int(max(length, 0))
          values[column] = position..<end
          position = end
        }
        let start = array.bytes.count
        array.number(Int32(0))
        array.number(Int32(shape.columns.count))
        for (column, position) in zip(shape.columns, positions) {
          array.number(column.type)
          if let position, let range = values[position] {
            array.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
          } else {
            array.number(Int32(-1))
          }
        }
        array.setLength(at: start)
      }
    }
    return .binary(array.bytes, type: shape.rowArrayType)
  }

  /// `unnest($n) WITH ORDINALITY AS s(c0, …, ord)`: `c<i>` is column `i` of the table, `ord` the
  /// position among the rows from 1.
  func source(parameter: Int = 1) -> String {
    let names = shape.columns.indices.map { "c\($0)" }.joined(separator: ", ")
    return "unnest($\(parameter)) WITH ORDINALITY AS s(\(names), ord)"
  }

  /// The name in ``source(parameter:)`` of the column of that name.
  func name(of column: String) -> String {
    "s.c\(shape.columns.firstIndex { $0.name == column } ?? 0)"
  }
}
