@testable import Parquet

/// What lists a test column has.
enum ListPattern: String, CaseIterable {
  /// REQUIRED lists, at least one element each.
  case filled
  /// REQUIRED lists, some empty.
  case empties
  /// OPTIONAL lists, some empty and some rows without.
  case absent
  /// OPTIONAL lists, and no row has one.
  case none
  /// OPTIONAL lists; one has most of the elements.
  case long

  var isOptional: Bool { self == .absent || self == .none || self == .long }

  /// How many elements row `row` has; nil without a list.
  func length(_ row: Int, of rows: Int) -> Int? {
    switch self {
    case .filled: 1 + row % 3
    case .empties: row % 4
    case .absent: row % 5 == 3 ? nil : row % 3
    case .none: nil
    case .long: row == rows / 2 ? 300 : row % 7 == 0 ? nil : 0
    }
  }
}

/// A column of a file that peers read.
struct MatrixColumn {
  var type: TestType
  var descriptor: ColumnDescriptor
  var vector: ColumnVector

  /// Makes a column.
  ///
  /// - Parameters:
  ///   - distinct: How many different values it draws from; nil for another one in each element.
  ///   - isPlain: Whether each element has a value of its own in the vector.
  init(
    _ type: TestType, rows: Int, nulls: NullPattern, distinct: Int?, isPlain: Bool,
    list: ListPattern? = nil, name: String? = nil
  ) {
    self.type = type
    let suffix = list.map { "_\($0)" } ?? ""
    descriptor = ColumnDescriptor(
      name: name ?? "\(type.name)_\(nulls)\(suffix)", physicalType: type.physicalType,
      logicalType: type.logicalType, isOptional: nulls != .required, fixedLength: type.fixedLength,
      list: list.map { ListShape(isOptional: $0.isOptional) })
    var lists: ListRows?
    if let list {
      var made = ListRows(isNull: list.isOptional ? [] : nil)
      for row in 0..<rows {
        let length = list.length(row, of: rows)
        made.offsets.append(made.offsets[row] + UInt32(length ?? 0))
        made.isNull?.append(length == nil)
      }
      lists = made
    }
    let count = lists?.elementCount ?? rows
    let isNull = (0..<count).map {
      nulls.isNull($0, of: count) || type.logicalType == .unknown && nulls != .required
    }
    let most = distinct.map { min($0, count) } ?? count
    let pool = (0..<most).map(type.value)
    var indices: [UInt32] = []
    var items: [[UInt8]] = []
    for element in 0..<count {
      if isNull[element] {
        indices.append(ColumnVector.null)
        continue
      }
      // Runs of equal values now and then.
      let drawn = element % 50 > 30 ? element / 50 : element
      let place = distinct == nil ? element : drawn &* 7919 % most
      if isPlain {
        indices.append(UInt32(items.count))
        items.append(pool[place])
      } else {
        indices.append(UInt32(place))
      }
    }
    let isBare = isPlain && !isNull.contains(true)
    vector = ColumnVector(
      values: type.values(isPlain ? items : pool), indices: isBare ? nil : indices, lists: lists)
  }
}

extension TestType {
  /// Types of the matrix: all the others, and those whose bytes peers read in several ways.
  static let matrix: [TestType] =
    all + [
      TestType(
        name: "half", physicalType: .fixedLengthByteArray, logicalType: .float16, fixedLength: 2,
        order: "none"
      ) { bytes(UInt16(truncatingIfNeeded: $0 % 9 == 4 ? 0x7E00 : scattered($0) & 0x7BFF)) },
      TestType(
        name: "decimal11", physicalType: .fixedLengthByteArray,
        logicalType: .decimal(precision: 11, scale: 4), fixedLength: 5, order: "none"
      ) { bigEndian(scattered($0) >> 28, count: 5) },
      number(
        "int16", .int32, .integer(bitWidth: 16, isSigned: true), below: 32768, from: -32768),
      number("uint8", .int32, .integer(bitWidth: 8, isSigned: false), below: 256),
      TestType(
        name: "unknown", physicalType: .int32, logicalType: .unknown, order: "none"
      ) { bytes(Int32($0)) },
    ]
}

extension ColumnVector {
  /// Some of its rows.
  func rows(_ range: Range<Int>) -> ColumnVector {
    var part = self
    var elements = range
    if let lists {
      elements = Int(lists.offsets[range.lowerBound])..<Int(lists.offsets[range.upperBound])
      part.lists = ListRows(
        offsets: lists.offsets[range.lowerBound...range.upperBound].map {
          $0 - UInt32(elements.lowerBound)
        }, isNull: lists.isNull.map { Array($0[range]) })
    }
    if let indices {
      part.indices = Array(indices[elements])
      return part
    }
    switch values {
    case .boolean(let array): part.values = .boolean(Array(array[elements]))
    case .int32(let array): part.values = .int32(Array(array[elements]))
    case .int64(let array): part.values = .int64(Array(array[elements]))
    case .int96(let array): part.values = .int96(Array(array[elements]))
    case .float(let array): part.values = .float(Array(array[elements]))
    case .double(let array): part.values = .double(Array(array[elements]))
    case .byteArray(let strings):
      part.values = .byteArray(
        ByteStrings(storage: strings.storage, slices: Array(strings.slices[elements])))
    case .fixedLengthByteArray(let strings):
      part.values = .fixedLengthByteArray(
        ByteStrings(storage: strings.storage, slices: Array(strings.slices[elements])))
    }
    return part
  }
}
