/// A node of a schema's tree as the footer has it (parquet.thrift, SchemaElement).
struct SchemaElement {
  enum Repetition: Int32 { case required = 0, optional = 1, repeated = 2 }

  /// What a group is for (LogicalTypes.md, "Nested Types").
  enum Collection { case list, map }

  var name: String
  var physicalType: PhysicalType?
  var typeLength: Int?
  var repetition: Repetition?
  var childCount: Int?
  var logicalType: LogicalType?
  var collection: Collection?
  /// The byte of the file where it begins.
  var offset = 0

  /// An error about it.
  func error(
    _ kind: ParquetError.Kind = .malformed, expected: String, found: String
  ) -> ParquetError {
    ParquetError(
      kind, expected: expected, found: found, offset: offset, column: name.isEmpty ? nil : name)
  }
}

/// Reads a schema: first its elements, then, from those, its columns.
enum SchemaReader {
  static func readElement(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> SchemaElement {
    var element = SchemaElement(name: "", offset: thrift.offset)
    try thrift.beginStruct()
    var name: String?
    var converted: ConvertedType?
    var precision = 0
    var scale = 0
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): element.physicalType = try physicalType(&thrift)
      case (2, .int32): element.typeLength = try thrift.count("type_length")
      case (3, .int32):
        let number = try thrift.int32()
        guard let repetition = SchemaElement.Repetition(rawValue: number) else {
          throw thrift.malformed("a repetition type from 0 to 2", "\(number)")
        }
        element.repetition = repetition
      case (4, .binary): name = try thrift.string()
      case (5, .int32): element.childCount = try thrift.count("num_children")
      case (6, .int32): converted = ConvertedType(rawValue: try thrift.int32())
      case (7, .int32): scale = Int(try thrift.int32())
      case (8, .int32): precision = Int(try thrift.int32())
      case (10, .structure): try readLogicalType(&thrift, of: &element)
      default: try thrift.skip(field.type)
      }
    }
    element.name = try thrift.require(name, "name of a schema element")
    if element.logicalType == nil, element.collection == nil, let converted {
      element.logicalType = LogicalType(
        converted: converted, precision: precision, scale: scale)
      element.collection =
        switch converted {
        case .list: .list
        case .map, .mapKeyValue: .map
        default: nil
        }
    }
    return element
  }

  static func physicalType(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> PhysicalType {
    let number = try thrift.int32()
    guard let type = PhysicalType(rawValue: number) else {
      throw thrift.malformed("a physical type from 0 to 7", "\(number)")
    }
    return type
  }

  /// Reads the union; a member this library does not know leaves the bare physical type, as the
  /// format asks.
  private static func readLogicalType(
    _ thrift: inout ThriftCompactReader, of element: inout SchemaElement
  ) throws(ParquetError) {
    try thrift.beginStruct()
    var type: LogicalType?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      guard field.type == .structure else {
        try thrift.skip(field.type)
        continue
      }
      switch field.id {
      case 5: type = try readDecimal(&thrift)
      case 7:
        if let (unit, isAdjusted) = try readTime(&thrift) {
          type = .time(unit: unit, isAdjustedToUTC: isAdjusted)
        }
      case 8:
        if let (unit, isAdjusted) = try readTime(&thrift) {
          type = .timestamp(unit: unit, isAdjustedToUTC: isAdjusted)
        }
      case 10: type = try readInteger(&thrift)
      default:
        try thrift.skip(field.type)
        switch field.id {
        case 1: type = .string
        case 2: element.collection = .map
        case 3: element.collection = .list
        case 4: type = .enumeration
        case 6: type = .date
        case 11: type = .unknown
        case 12: type = .json
        case 13: type = .bson
        case 14: type = .uuid
        case 15: type = .float16
        default: break
        }
      }
    }
    element.logicalType = type
  }

  private static func readDecimal(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> LogicalType {
    try thrift.beginStruct()
    var scale: Int32?
    var precision: Int32?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): scale = try thrift.int32()
      case (2, .int32): precision = try thrift.int32()
      default: try thrift.skip(field.type)
      }
    }
    return .decimal(
      precision: Int(try thrift.require(precision, "precision")),
      scale: Int(try thrift.require(scale, "scale")))
  }

  private static func readInteger(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> LogicalType {
    try thrift.beginStruct()
    var bitWidth: Int8?
    var isSigned: Bool?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int8): bitWidth = try thrift.int8()
      case (2, .boolTrue): isSigned = true
      case (2, .boolFalse): isSigned = false
      default: try thrift.skip(field.type)
      }
    }
    return .integer(
      bitWidth: Int(try thrift.require(bitWidth, "bitWidth")),
      isSigned: try thrift.require(isSigned, "isSigned"))
  }

  private static func readTime(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> (LogicalType.TimeUnit, Bool)? {
    try thrift.beginStruct()
    var isAdjusted: Bool?
    var unit: LogicalType.TimeUnit?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .boolTrue): isAdjusted = true
      case (1, .boolFalse): isAdjusted = false
      case (2, .structure): unit = try readUnit(&thrift)
      default: try thrift.skip(field.type)
      }
    }
    let adjusted = try thrift.require(isAdjusted, "isAdjustedToUTC")
    return unit.map { ($0, adjusted) }
  }

  private static func readUnit(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> LogicalType.TimeUnit? {
    try thrift.beginStruct()
    var unit: LogicalType.TimeUnit?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      try thrift.skip(field.type)
      switch field.id {
      case 1: unit = .milliseconds
      case 2: unit = .microseconds
      case 3: unit = .nanoseconds
      default: break
      }
    }
    return unit
  }
}
