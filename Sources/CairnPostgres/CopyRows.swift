/// Rows in the binary form of COPY, put together value by value: for small numbers of rows of
/// Cairn's own tables.
struct CopyRows {
  /// What a binary COPY begins with.
  static let header: [UInt8] =
    Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
  /// What it ends with.
  static let trailer: [UInt8] = [0xFF, 0xFF]

  /// The rows so far.
  private(set) var data: [UInt8] = []

  /// Begins a row.
  mutating func row(columns: Int16) { append(columns) }

  /// A value of type `text`.
  mutating func text(_ text: String?) {
    // There is no zero byte in PostgreSQL's text.
    bytes(text.map { Array($0.replacing("\0", with: "␀").utf8) })
  }

  /// A value of type `bytea`.
  mutating func bytes(_ bytes: [UInt8]?) {
    guard let bytes else {
      append(Int32(-1))
      return
    }
    append(Int32(bytes.count))
    data += bytes
  }

  /// A value of the integer type of that size.
  mutating func integer<Number: FixedWidthInteger>(_ number: Number) {
    append(Int32(MemoryLayout<Number>.size))
    append(number)
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.bigEndian) { data.append(contentsOf: $0) }
  }
}
