/// Where a writer stands. An operation begins as a failed one, so that one which throws leaves it so.
enum WriterState {
  case open, finished, failed

  /// Begins an operation.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` unless the writer is open.
  mutating func begin() throws(ParquetError) {
    guard self == .open else {
      throw ParquetError(
        .misuse, expected: "a writer that is open", found: "one that has \(self)")
    }
    self = .failed
  }
}
