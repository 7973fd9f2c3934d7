/// Where the fields of some well-formed rows lie, a line of the table for each row.
///
/// Line `r` has `columns + 1` entries: field `c` starts `delimiterLength` bytes after entry `c` and
/// ends at entry `c + 1`. Entries are offsets modulo 2^32.
struct FieldTable: ~Copyable {
  /// How many rows it holds at most.
  let capacity: Int
  /// How many columns each row has.
  let columns: Int
  /// The entries.
  let bounds: UnsafeMutablePointer<UInt32>
  /// How many rows it holds.
  var rows = 0

  init(capacity: Int, columns: Int) {
    self.capacity = capacity
    self.columns = columns
    bounds = .allocate(capacity: capacity * (columns + 1))
  }

  deinit { bounds.deallocate() }

  /// How many entries a row has.
  var stride: Int { columns + 1 }

  /// The entries of the row that is added next.
  var nextRow: UnsafeMutablePointer<UInt32> { bounds + rows * stride }
}
