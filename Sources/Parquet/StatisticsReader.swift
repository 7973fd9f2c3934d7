/// Reads ``ColumnStatistics``. The legacy bounds `min` and `max`, whose order is not defined, are
/// passed over.
enum StatisticsReader {
  static func read(_ thrift: inout ThriftCompactReader) throws(ParquetError) -> ColumnStatistics {
    try thrift.beginStruct()
    var statistics = ColumnStatistics()
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (3, .int64): statistics.nullCount = try thrift.int64()
      case (4, .int64): statistics.distinctCount = try thrift.int64()
      case (5, .binary): statistics.maxValue = Array(try thrift.binary())
      case (6, .binary): statistics.minValue = Array(try thrift.binary())
      case (7, .boolTrue): statistics.isMaxValueExact = true
      case (7, .boolFalse): statistics.isMaxValueExact = false
      case (8, .boolTrue): statistics.isMinValueExact = true
      case (8, .boolFalse): statistics.isMinValueExact = false
      case (9, .int64): statistics.nanCount = try thrift.int64()
      default: try thrift.skip(field.type)
      }
    }
    return statistics
  }
}
