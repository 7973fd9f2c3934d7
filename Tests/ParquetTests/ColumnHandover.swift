import Foundation

@testable import Parquet

/// Columns on their way to a Python process, which holds them against what peers read or wrote: a
/// blob of bytes, and where in it each column's parts are (see `Tests/Peers/parquet_matrix.py`).
final class ColumnHandover {
  struct Column: Encodable {
    var physical: String
    var logical: String?
    var scale: Int?
    var nanoseconds: Int?
    /// Start in the blob and number, of values or their bytes.
    var values: [Int] = []
    var lengths: [Int]?
    var picks: [Int] = []
    var offsets: [Int]?
    var absent: [Int]?
  }

  private(set) var columns: [Column] = []
  private var blob = Data()

  /// Adds a column's values.
  ///
  /// - Returns: Its number.
  func add(_ vector: ColumnVector, as descriptor: ColumnDescriptor) -> Int {
    var column = Column(physical: Self.name(of: descriptor.physicalType))
    switch descriptor.logicalType {
    case .decimal(_, let scale):
      column.logical = "decimal"
      column.scale = scale
    case .integer(_, isSigned: false): column.logical = "unsigned"
    case .time(let unit, _), .timestamp(let unit, _):
      column.nanoseconds = Self.nanoseconds(of: unit)
    case .date: column.logical = "date"
    case .float16: column.logical = "float16"
    case .uuid: column.logical = "uuid"
    default: break
    }
    switch vector.values {
    case .boolean(let values): column.values = add(values)
    case .int32(let values): column.values = add(values)
    case .int64(let values): column.values = add(values)
    case .int96(let values): column.values = add(values)
    case .float(let values): column.values = add(values)
    case .double(let values): column.values = add(values)
    case .byteArray(let strings), .fixedLengthByteArray(let strings):
      let start = blob.count
      for index in 0..<strings.count {
        strings.withBytes(at: index) { blob.append(contentsOf: $0) }
      }
      column.values = [start, blob.count - start]
      column.lengths = add(strings.slices.map(\.length))
    }
    column.picks = add(vector.indices ?? (0..<UInt32(vector.elementCount)).map { $0 })
    if let lists = vector.lists {
      column.offsets = add(lists.offsets)
      column.absent = lists.isNull.map(add)
    }
    columns.append(column)
    return columns.count - 1
  }

  private func add<Value: BitwiseCopyable>(_ values: [Value]) -> [Int] {
    let start = blob.count
    values.withUnsafeBytes { blob.append(contentsOf: $0) }
    return [start, values.count]
  }

  func write(to url: URL) throws { try blob.write(to: url) }

  private static func name(of type: PhysicalType) -> String {
    switch type {
    case .boolean: "boolean"
    case .int32: "int32"
    case .int64: "int64"
    case .int96: "int96"
    case .float: "float"
    case .double: "double"
    case .byteArray: "bytes"
    case .fixedLengthByteArray: "fixed"
    }
  }

  private static func nanoseconds(of unit: LogicalType.TimeUnit) -> Int {
    switch unit {
    case .milliseconds: 1_000_000
    case .microseconds: 1000
    case .nanoseconds: 1
    }
  }
}
