extension ColumnDescriptor {
  /// The column that properties of `type` get, required unless the type is an optional; nil if only a
  /// value can tell.
  init?(_ name: String, of type: Any.Type) {
    if let made = Self.plain(name, of: type) ?? Self.foundation(name, of: type) {
      self = made
      isOptional = false
    } else if let wrapper = type as? any OptionalValue.Type {
      self.init(name, of: wrapper.wrappedType)
      if list == nil { isOptional = true } else { list?.isOptional = true }
    } else if let sequence = type as? any ListValue.Type {
      self.init(name, of: sequence.elementType)
      guard list == nil else { return nil }
      list = ListShape(isOptional: false)
    } else if let raw = type as? any RawRepresentable.Type {
      self.init(name, of: Self.rawType(raw))
    } else {
      return nil
    }
  }

  private static func rawType<Value: RawRepresentable>(_: Value.Type) -> Any.Type {
    Value.RawValue.self
  }

  private static func plain(_ name: String, of type: Any.Type) -> ColumnDescriptor? {
    func number(_ type: PhysicalType, _ logical: LogicalType? = nil) -> ColumnDescriptor {
      ColumnDescriptor(name: name, physicalType: type, logicalType: logical)
    }
    return switch type {
    case is Bool.Type: number(.boolean)
    case is Int.Type, is Int64.Type: number(.int64)
    case is Int32.Type: number(.int32)
    case is Int16.Type: number(.int32, .integer(bitWidth: 16, isSigned: true))
    case is Int8.Type: number(.int32, .integer(bitWidth: 8, isSigned: true))
    case is UInt.Type, is UInt64.Type: number(.int64, .integer(bitWidth: 64, isSigned: false))
    case is UInt32.Type: number(.int32, .integer(bitWidth: 32, isSigned: false))
    case is UInt16.Type: number(.int32, .integer(bitWidth: 16, isSigned: false))
    case is UInt8.Type: number(.int32, .integer(bitWidth: 8, isSigned: false))
    case is Int128.Type, is UInt128.Type:
      ColumnDescriptor(
        name: name, physicalType: .fixedLengthByteArray,
        logicalType: .decimal(precision: 38, scale: 0), fixedLength: 16)
    case is Double.Type: number(.double)
    case is Float.Type: number(.float)
    case is String.Type: .string(name)
    case is [UInt8].Type: number(.byteArray)
    default: nil
    }
  }
}

/// A type whose values may be nil.
private protocol OptionalValue {
  static var wrappedType: Any.Type { get }
}

extension Optional: OptionalValue {
  fileprivate static var wrappedType: Any.Type { Wrapped.self }
}

/// A type that encodes a list of elements.
private protocol ListValue {
  static var elementType: Any.Type { get }
}

extension Array: ListValue {
  fileprivate static var elementType: Any.Type { Element.self }
}

extension ArraySlice: ListValue {
  fileprivate static var elementType: Any.Type { Element.self }
}

extension ContiguousArray: ListValue {
  fileprivate static var elementType: Any.Type { Element.self }
}

extension Set: ListValue {
  fileprivate static var elementType: Any.Type { Element.self }
}
