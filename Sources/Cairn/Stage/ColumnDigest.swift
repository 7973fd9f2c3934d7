internal import Crypto
internal import Parquet

/// SHA-256 of columnar content, the same however the rows are cut into batches, dictionary-coded,
/// encoded and compressed.
/// ``RecordBatch/checkpointDigest`` says of which bytes.
struct ColumnDigest {
  private struct ColumnState {
    let name: String
    let type: ColumnType
    var values = SHA256()
    var nulls = SHA256()
  }

  private var columns: [ColumnState] = []
  private(set) var rowCount = 0

  init() {}

  /// The digest of one batch.
  static func of(_ batch: RecordBatch) -> String {
    var digest = ColumnDigest()
    digest.add(batch)
    return digest.hexadecimal
  }

  /// Adds the rows of a batch, whose columns are those of the batches before it.
  mutating func add(_ batch: RecordBatch) {
    if columns.isEmpty {
      columns = batch.columns.map { ColumnState(name: $0.name, type: $0.type) }
    }
    for (position, column) in batch.columns.enumerated() where position < columns.count {
      Self.add(column, firstRow: rowCount, to: &columns[position])
    }
    rowCount += batch.rowCount
  }

  /// The digest of all rows so far, in lower-case hexadecimal.
  var hexadecimal: String {
    var whole = SHA256()
    var head = Array("cairn.columns.1\u{0}".utf8)
    Self.append(UInt64(rowCount), to: &head)
    Self.append(UInt32(columns.count), to: &head)
    for column in columns {
      for text in [column.name, column.type.description] {
        Self.append(UInt32(text.utf8.count), to: &head)
        head.append(contentsOf: text.utf8)
      }
      head.append(contentsOf: column.values.finalize())
      head.append(contentsOf: column.nulls.finalize())
    }
    whole.update(data: head)
    return Hexadecimal.text(of: whole.finalize())
  }

  private static func add(_ column: Column, firstRow: Int, to state: inout ColumnState) {
    if let indices = column.indices, indices.contains(Column.null) {
      var nulls: [UInt8] = []
      for (row, index) in indices.enumerated() where index == Column.null {
        append(UInt64(firstRow + row), to: &nulls)
      }
      state.nulls.update(data: nulls)
    }
    switch column.values {
    case .text(let texts): add(texts, column.indices, to: &state.values)
    case .boolean(let flags):
      add(flags.map { UInt8($0 ? 1 : 0) }, column.indices, to: &state.values)
    case .integer(let numbers), .date(let numbers):
      add(numbers, column.indices, to: &state.values)
    case .bigint(let numbers), .time(let numbers), .timestamp(let numbers):
      add(numbers, column.indices, to: &state.values)
    case .double(let numbers):
      add(numbers.map(\.bitPattern), column.indices, to: &state.values)
    case .numeric(let numbers): add(numbers, column.indices, to: &state.values)
    case .uuid(let numbers): add(numbers, column.indices, to: &state.values)
    }
  }

  private static func add<Number: FixedWidthInteger>(
    _ numbers: [Number], _ indices: [UInt32]?, to digest: inout SHA256
  ) {
    var rows = numbers
    if let indices {
      rows = []
      rows.reserveCapacity(indices.count)
      for index in indices where index != Column.null { rows.append(numbers[Int(index)]) }
    }
    #if _endian(big)
      rows = rows.map(\.littleEndian)
    #endif
    rows.withUnsafeBytes { digest.update(bufferPointer: $0) }
  }

  private static func add(_ texts: ByteStrings, _ indices: [UInt32]?, to digest: inout SHA256) {
    var bytes: [UInt8] = []
    func add(_ index: Int) {
      texts.withBytes(at: index) { text in
        append(UInt32(text.count), to: &bytes)
        bytes.append(contentsOf: text)
      }
      if bytes.count > 1 << 18 {
        digest.update(data: bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    if let indices {
      for index in indices where index != Column.null { add(Int(index)) }
    } else {
      for index in 0..<texts.count { add(index) }
    }
    digest.update(data: bytes)
  }

  private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

extension RecordBatch {
  /// SHA-256 of the rows in lower-case hexadecimal, as checkpoints have it: the same however they are
  /// dictionary-coded, cut into batches, encoded and compressed.
  ///
  /// A column has two digests: one of its values in row order, null rows left out (numbers little
  /// endian in their width, booleans a byte, `numeric` and `uuid` 16 bytes, text and JSON as a 32-bit
  /// length and the bytes), and one of the numbers of its null rows (64 bits each, from 0). The whole is
  /// that of `cairn.columns.1`, a zero byte, the number of rows (64 bits), the number of columns (32
  /// bits), and for each column its name and its type's name, each with a 32-bit length before it, and
  /// its two digests.
  public var checkpointDigest: String { ColumnDigest.of(self) }
}
