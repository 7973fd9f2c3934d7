/// How a page lays out its values: `Encoding` of the Parquet format (Encodings.md).
public enum Encoding: Int32, Sendable, Hashable, CaseIterable {
  /// Values one after another.
  case plain = 0
  /// Legacy name of ``rleDictionary`` (data pages) and ``plain`` (dictionary pages).
  case plainDictionary = 2
  /// Run-length/bit-packed hybrid: levels and booleans.
  case rle = 3
  /// Legacy bit-packed levels.
  case bitPacked = 4
  /// Differences of integers, bit-packed in blocks.
  case deltaBinaryPacked = 5
  /// Lengths as ``deltaBinaryPacked``, then all bytes.
  case deltaLengthByteArray = 6
  /// Length shared with the value before, then the rest as ``deltaLengthByteArray``.
  case deltaByteArray = 7
  /// Indices into the dictionary page, as run-length/bit-packed hybrid.
  case rleDictionary = 8
  /// The first bytes of all values, then the second bytes, and so on.
  case byteStreamSplit = 9
}
