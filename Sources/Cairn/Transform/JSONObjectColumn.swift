internal import Parquet

/// Makes one JSON object a row of several columns.
enum JSONObjectColumn {
  /// - Parameters:
  ///   - columns: The columns, whose names are the object's.
  ///   - nulls: Fields that become `null`.
  /// - Throws: ``TransformError`` when the objects have more than 4 GiB in all.
  static func make(
    of columns: [Column], named name: String, rowCount: Int, nulls: NullTokens?
  ) throws(TransformError) -> Column {
    guard !columns.isEmpty else {
      return Column(
        name: name, type: .json, values: .text(ByteStrings([])),
        indices: [UInt32](repeating: Column.null, count: rowCount))
    }
    let pieces = columns.enumerated().map { index, column in
      let prefix = (index == 0 ? "{" : ",") + quoted(column.name) + ":"
      return Pieces(column, prefix: Array(prefix.utf8), nulls: nulls)
    }
    var slices = [ByteSlice](repeating: ByteSlice(offset: 0, length: 1), count: rowCount)
    for piece in pieces { piece.addLengths(to: &slices) }
    var size = 0
    for row in 0..<rowCount {
      guard size <= UInt32.max - slices[row].length else {
        throw .badRule(
          path: "checkpoint.chunk_rows",
          message: "a chunk's column '\(name)' would have more than 4 GiB; make chunks smaller")
      }
      slices[row].offset = UInt32(size)
      size += Int(slices[row].length)
    }
    let storage = ByteStorage(capacity: size) { destination in
      var positions = slices.map { Int($0.offset) }
      for piece in pieces { piece.write(to: destination, at: &positions) }
      for position in positions { destination[position] = 0x7D }
      return size
    }
    return Column(
      name: name, type: .json, values: .text(ByteStrings(storage: storage, slices: slices)))
  }

  /// One column's members of the objects, each distinct one written once.
  private struct Pieces {
    private let texts: ByteStrings
    /// For each row the position of its member in `texts`.
    private let indices: [UInt32]

    init(_ column: Column, prefix: [UInt8], nulls: NullTokens?) {
      let rendered = column.values.rendered(type: column.type)
      let isBare: Bool
      switch column.type {
      case .boolean, .integer, .bigint, .double, .numeric, .json: isBare = true
      default: isBare = false
      }
      var bytes = prefix + Array("null".utf8)
      let missing = ByteSlice(offset: 0, length: UInt32(bytes.count))
      var slices: [ByteSlice] = []
      slices.reserveCapacity(rendered.count + 1)
      for index in 0..<rendered.count {
        let value = rendered.unsafeBytes(at: index)
        if !isBare, nulls?.contains(value.trimmed) == true {
          slices.append(missing)
          continue
        }
        let start = bytes.count
        bytes += prefix
        if isBare { bytes += value } else { JSONObjectColumn.appendQuoted(value, to: &bytes) }
        slices.append(ByteSlice(offset: UInt32(start), length: UInt32(bytes.count - start)))
      }
      withExtendedLifetime(rendered) {}
      slices.append(missing)
      texts = ByteStrings(storage: ByteStorage(copying: bytes), slices: slices)
      let last = UInt32(rendered.count)
      indices =
        column.indices.map { indices in indices.map { $0 == Column.null ? last : $0 } }
        ?? Array(0..<last)
    }

    func addLengths(to slices: inout [ByteSlice]) {
      for row in slices.indices {
        slices[row].length += texts.slices[Int(indices[row])].length
      }
    }

    func write(to destination: UnsafeMutableRawBufferPointer, at positions: inout [Int]) {
      for row in positions.indices {
        let member = texts.unsafeBytes(at: Int(indices[row]))
        UnsafeMutableRawBufferPointer(rebasing: destination[positions[row]...])
          .copyMemory(from: member)
        positions[row] += member.count
      }
      withExtendedLifetime(texts) {}
    }
  }

  /// A text as a JSON string.
  static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    Array(text.utf8).withUnsafeBytes { appendQuoted($0, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func appendQuoted(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    let hexadecimal = Array("0123456789abcdef".utf8)
    bytes.append(0x22)
    for byte in text {
      switch byte {
      case 0x22, 0x5C: bytes += [0x5C, byte]
      case 0x0A: bytes += [0x5C, 0x6E]
      case 0x0D: bytes += [0x5C, 0x72]
      case 0x09: bytes += [0x5C, 0x74]
      case 0..<0x20:
        bytes += [0x5C, 0x75, 0x30, 0x30, 0x30 + (byte >> 4), hexadecimal[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }
}
