// What an encoder hands out where it must not throw yet: the first value given to it throws.

/// Refuses single values and elements.
struct RefusedContainer: UnkeyedEncodingContainer, SingleValueEncodingContainer {
  let error: ParquetError

  var codingPath: [any CodingKey] { [] }
  var count: Int { 0 }

  func encodeNil() throws { throw error }
  func encode(_ value: Bool) throws { throw error }
  func encode(_ value: String) throws { throw error }
  func encode(_ value: Double) throws { throw error }
  func encode(_ value: Float) throws { throw error }
  func encode(_ value: Int) throws { throw error }
  func encode(_ value: Int8) throws { throw error }
  func encode(_ value: Int16) throws { throw error }
  func encode(_ value: Int32) throws { throw error }
  func encode(_ value: Int64) throws { throw error }
  func encode(_ value: UInt) throws { throw error }
  func encode(_ value: UInt8) throws { throw error }
  func encode(_ value: UInt16) throws { throw error }
  func encode(_ value: UInt32) throws { throw error }
  func encode(_ value: UInt64) throws { throw error }
  func encode<T: Encodable>(_ value: T) throws { throw error }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(RefusedKeyedContainer(error: error))
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
  func superEncoder() -> any Encoder { RefusedEncoder(error: error) }
}

/// Refuses properties.
struct RefusedKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let error: ParquetError

  var codingPath: [any CodingKey] { [] }

  func encodeNil(forKey key: Key) throws { throw error }
  func encode(_ value: Bool, forKey key: Key) throws { throw error }
  func encode(_ value: String, forKey key: Key) throws { throw error }
  func encode(_ value: Double, forKey key: Key) throws { throw error }
  func encode(_ value: Float, forKey key: Key) throws { throw error }
  func encode(_ value: Int, forKey key: Key) throws { throw error }
  func encode(_ value: Int8, forKey key: Key) throws { throw error }
  func encode(_ value: Int16, forKey key: Key) throws { throw error }
  func encode(_ value: Int32, forKey key: Key) throws { throw error }
  func encode(_ value: Int64, forKey key: Key) throws { throw error }
  func encode(_ value: UInt, forKey key: Key) throws { throw error }
  func encode(_ value: UInt8, forKey key: Key) throws { throw error }
  func encode(_ value: UInt16, forKey key: Key) throws { throw error }
  func encode(_ value: UInt32, forKey key: Key) throws { throw error }
  func encode(_ value: UInt64, forKey key: Key) throws { throw error }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws { throw error }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(RefusedKeyedContainer<NestedKey>(error: error))
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    RefusedContainer(error: error)
  }
  func superEncoder() -> any Encoder { RefusedEncoder(error: error) }
  func superEncoder(forKey key: Key) -> any Encoder { RefusedEncoder(error: error) }
}

/// Refuses everything.
struct RefusedEncoder: Encoder {
  let error: ParquetError

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(RefusedKeyedContainer(error: error))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { RefusedContainer(error: error) }
  func singleValueContainer() -> any SingleValueEncodingContainer { RefusedContainer(error: error) }
}
