/// Pieces of a file that are in memory already.
struct FetchedRanges: Sendable {
  /// Bytes of the whole file.
  let fileByteCount: Int
  /// Ascending by where they start.
  private var pieces: [(start: Int, storage: ByteStorage)] = []

  init(fileByteCount: Int) { self.fileByteCount = fileByteCount }

  /// Takes in the bytes from `start` on.
  mutating func add(_ storage: ByteStorage, at start: Int) {
    let place = pieces.firstIndex { $0.start > start } ?? pieces.count
    pieces.insert((start, storage), at: place)
  }

  /// Takes in all pieces of `other`.
  mutating func add(_ other: FetchedRanges) {
    for piece in other.pieces { add(piece.storage, at: piece.start) }
  }

  private func piece(_ range: Range<Int>) -> (start: Int, storage: ByteStorage)? {
    pieces.first {
      $0.start <= range.lowerBound && range.upperBound <= $0.start + $0.storage.bytes.count
    }
  }

  /// Whether these bytes are here.
  func contains(_ range: Range<Int>) -> Bool { piece(range) != nil }

  /// Copies bytes from `offset` on to all of `target`, which must be within one piece.
  func read(
    at offset: Int, into target: UnsafeMutableRawBufferPointer
  ) throws(ParquetError) {
    guard let piece = piece(offset..<offset + target.count) else {
      throw ParquetError(
        .malformed, expected: "bytes that the footer says are needed",
        found: "\(target.count) others", offset: offset)
    }
    withExtendedLifetime(piece.storage) {
      let start = offset - piece.start
      target.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: piece.storage.bytes[start..<start + target.count]))
    }
  }
}

extension ByteSource {
  /// A copy of some bytes.
  func bytes(_ range: Range<Int>) throws(ParquetError) -> ByteStorage {
    try ByteStorage(capacity: range.count) { (target) throws(ParquetError) in
      try read(at: range.lowerBound, into: target)
      return range.count
    }
  }
}

extension [Range<Int>] {
  /// The ranges in ascending order, those joined that overlap or have at most `gap` between them.
  func coalesced(gap: Int) -> [Range<Int>] {
    var joined: [Range<Int>] = []
    for range in sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      if let last = joined.last, range.lowerBound - last.upperBound <= gap {
        let end = Swift.max(last.upperBound, range.upperBound)
        joined[joined.count - 1] = last.lowerBound..<end
      } else {
        joined.append(range)
      }
    }
    return joined
  }
}
