/// What a processor carries from batch to batch (a model, partial sums), saved with the mark of each
/// batch and given back when it is resumed.
public struct BatchState: Sendable, Hashable {
  /// The state, as bytes of the program's own.
  public var bytes: [UInt8]

  /// Takes bytes.
  public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// Encodes a value as JSON with sorted keys. Numbers come back bit by bit as they were; those that
  /// JSON has no word for are the texts `NaN`, `Infinity` and `-Infinity`.
  ///
  /// - Throws: `EncodingError`.
  public init(encoding value: some Encodable) throws { bytes = try JSONContent.encode(value) }

  /// The value that ``init(encoding:)`` encoded.
  ///
  /// - Throws: `DecodingError` when the bytes are not such a value.
  public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try JSONContent.decode(type, from: bytes)
  }
}

/// Where a sink finds the state of a checkpoint.
public struct StoredState: Sendable, Hashable {
  /// SHA-256 of the bytes, in lower-case hexadecimal.
  public var digest: String
  /// How many bytes.
  public var size: Int
  /// The bytes themselves, in the checkpoint's row; nil when they are in a file.
  public var bytes: [UInt8]?
  /// The file that holds them, within the state folder; nil when they are in the row.
  public var file: String?

  /// Describes stored state.
  public init(digest: String, size: Int, bytes: [UInt8]? = nil, file: String? = nil) {
    self.digest = digest
    self.size = size
    self.bytes = bytes
    self.file = file
  }
}
