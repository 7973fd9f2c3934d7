/// Rows of one column, collected from vectors of any size until they make a row group.
///
/// Its memory goes to the row group's vector and is made anew for the next one: what it holds at any
/// time is one row group.
final class ColumnBuffer {
  private let column: ColumnDescriptor
  private var valueCount = 0
  private var indices: [UInt32]?
  private var lists: ListRows?
  private var renumbered: [UInt32] = []

  // Values, in the one of these that the column's type needs.
  private var booleans: [Bool] = []
  private var int32s: [Int32] = []
  private var int64s: [Int64] = []
  private var int96s: [Int96] = []
  private var floats: [Float] = []
  private var doubles: [Double] = []
  private var slices: [ByteSlice] = []
  /// The bytes that slices lie in.
  private var block = GrowingBlock()

  init(_ column: ColumnDescriptor) {
    self.column = column
    lists = column.list == nil ? nil : ListRows()
  }

  private var elementCount: Int { indices?.count ?? valueCount }

  // MARK: Size

  /// Bytes of what it holds.
  var byteCount: Int {
    valueCount * Self.width(column.physicalType) + block.count + (indices?.count ?? 0) * 4
      + (lists?.offsets.count ?? 0) * 4 + (lists?.isNull?.count ?? 0)
  }

  /// The most bytes that ``append(_:rows:)`` adds.
  static func mostBytes(of vector: ColumnVector, rows: Range<Int>) -> Int {
    let elements = elements(of: vector, rows: rows)
    // An index goes with every value, unless no vector has any.
    var bytes = elements.count * (width(vector.values.physicalType) + 4)
    if vector.lists != nil { bytes += rows.count * 5 }
    switch vector.values {
    case .byteArray(let strings), .fixedLengthByteArray(let strings):
      let slices = strings.slices
      if let indices = vector.indices {
        for element in elements where indices[element] != ColumnVector.null {
          bytes += Int(slices[Int(indices[element])].length)
        }
      } else {
        for element in elements { bytes += Int(slices[element].length) }
      }
    default: break
    }
    return bytes
  }

  private static func width(_ type: PhysicalType) -> Int {
    switch type {
    case .boolean: 1
    case .int32, .float: 4
    case .int64, .double, .byteArray, .fixedLengthByteArray: 8
    case .int96: 12
    }
  }

  // MARK: Rows

  private static func elements(of vector: ColumnVector, rows: Range<Int>) -> Range<Int> {
    guard let lists = vector.lists else { return rows }
    return Int(lists.offsets[rows.lowerBound])..<Int(lists.offsets[rows.upperBound])
  }

  /// Copies some rows of a vector that ``ColumnVector/check(as:)`` has passed.
  func append(_ vector: ColumnVector, rows: Range<Int>) {
    let elements = Self.elements(of: vector, rows: rows)
    append(lists: vector.lists, rows: rows)
    guard let codes = vector.indices else {
      if indices != nil { indices?.append(contentsOf: numbers(from: valueCount, elements.count)) }
      return appendValues(of: vector.values, at: elements)
    }
    var indices = self.indices.take() ?? Array(numbers(from: 0, valueCount))
    indices.reserveCapacity(indices.count + elements.count)
    // A dictionary much larger than the rows is not looked through for each few of them.
    let isShared = vector.values.count / 4 <= elements.count
    if isShared {
      renumbered.removeAll(keepingCapacity: true)
      renumbered.append(contentsOf: repeatElement(ColumnVector.null, count: vector.values.count))
    }
    var positions: [UInt32] = []
    for element in elements {
      let code = codes[element]
      if code == ColumnVector.null {
        indices.append(code)
      } else if isShared, renumbered[Int(code)] != ColumnVector.null {
        indices.append(renumbered[Int(code)])
      } else {
        let place = UInt32(truncatingIfNeeded: valueCount + positions.count)
        if isShared { renumbered[Int(code)] = place }
        positions.append(code)
        indices.append(place)
      }
    }
    self.indices = indices
    appendValues(of: vector.values, at: positions)
  }

  private func numbers(from first: Int, _ count: Int) -> Range<UInt32> {
    let start = UInt32(truncatingIfNeeded: first)
    return start..<start + UInt32(truncatingIfNeeded: count)
  }

  private func append(lists source: ListRows?, rows: Range<Int>) {
    guard let source else { return }
    let shift = UInt32(truncatingIfNeeded: elementCount) &- source.offsets[rows.lowerBound]
    let rowsBefore = lists?.rowCount ?? 0
    for row in rows { lists?.offsets.append(source.offsets[row + 1] &+ shift) }
    if let isNull = source.isNull, isNull[rows].contains(true), lists?.isNull == nil {
      lists?.isNull = [Bool](repeating: false, count: rowsBefore)
    }
    guard lists?.isNull != nil else { return }
    if let isNull = source.isNull {
      lists?.isNull?.append(contentsOf: isNull[rows])
    } else {
      lists?.isNull?.append(contentsOf: repeatElement(false, count: rows.count))
    }
  }

  // MARK: Values

  private func appendValues(
    of source: PhysicalValues, at positions: some Collection<some BinaryInteger>
  ) {
    switch source {
    case .boolean(let source): Self.append(source, positions, to: &booleans)
    case .int32(let source): Self.append(source, positions, to: &int32s)
    case .int64(let source): Self.append(source, positions, to: &int64s)
    case .int96(let source): Self.append(source, positions, to: &int96s)
    case .float(let source): Self.append(source, positions, to: &floats)
    case .double(let source): Self.append(source, positions, to: &doubles)
    case .byteArray(let source), .fixedLengthByteArray(let source):
      slices.reserveCapacity(slices.count + positions.count)
      for position in positions {
        let bytes = source.unsafeBytes(at: Int(position))
        slices.append(
          ByteSlice(
            offset: UInt32(truncatingIfNeeded: block.append(bytes)),
            length: UInt32(truncatingIfNeeded: bytes.count)))
      }
      withExtendedLifetime(source.storage) {}
    }
    valueCount += positions.count
  }

  private static func append<Value>(
    _ source: [Value], _ positions: some Collection<some BinaryInteger>, to target: inout [Value]
  ) {
    if let range = positions as? Range<Int> {
      target.append(contentsOf: source[range])
    } else {
      for position in positions { target.append(source[Int(position)]) }
    }
  }

  /// Gives away what it holds, and is empty then.
  func finish() -> ColumnVector {
    let values: PhysicalValues =
      switch column.physicalType {
      case .boolean: .boolean(Self.take(&booleans))
      case .int32: .int32(Self.take(&int32s))
      case .int64: .int64(Self.take(&int64s))
      case .int96: .int96(Self.take(&int96s))
      case .float: .float(Self.take(&floats))
      case .double: .double(Self.take(&doubles))
      case .byteArray: .byteArray(strings())
      case .fixedLengthByteArray: .fixedLengthByteArray(strings())
      }
    valueCount = 0
    let vector = ColumnVector(values: values, indices: indices.take(), lists: lists)
    lists = column.list == nil ? nil : ListRows()
    return vector
  }

  private func strings() -> ByteStrings {
    ByteStrings(storage: block.finish(), slices: Self.take(&slices))
  }

  private static func take<Value>(_ array: inout [Value]) -> [Value] {
    defer { array = [] }
    return array
  }
}

/// Bytes that are collected in one block.
private struct GrowingBlock: ~Copyable {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private(set) var count = 0

  deinit { memory.deallocate() }

  /// Copies `bytes` to the end.
  ///
  /// - Returns: Where they are in the block.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
    if memory.count - count < bytes.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(memory.count * 2, count + bytes.count, 4096), alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
      memory.deallocate()
      memory = larger
    }
    let offset = count
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
    count += bytes.count
    return offset
  }

  /// Gives the block away, and is empty then.
  mutating func finish() -> ByteStorage {
    let storage = ByteStorage(adopting: memory, count: count)
    memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    count = 0
    return storage
  }
}
