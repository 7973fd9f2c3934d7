#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What separates fields, as bytes: 1 to 8 of them.
///
/// Fields are split at the leftmost match, then at the leftmost one after it.
struct Delimiter: Sendable, Hashable {
  /// The bytes.
  let bytes: [UInt8]
  /// The bytes as a little-endian number, so that one load and one mask compare them all.
  let word: UInt64
  /// The bytes of a word that `word` covers.
  let mask: UInt64
  /// Whether two matches can overlap (`||` in `|||`), so that a match must be looked at in order.
  let overlapsItself: Bool

  /// Makes a delimiter; nil unless there are 1 to 8 bytes, none of them CR or LF.
  init?(_ bytes: [UInt8]) {
    guard (1...8).contains(bytes.count), !bytes.contains(0x0A), !bytes.contains(0x0D) else {
      return nil
    }
    self.bytes = bytes
    word = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    mask = UInt64.max >> UInt64(64 - 8 * bytes.count)
    overlapsItself = (1..<bytes.count).contains {
      bytes[$0...].elementsEqual(bytes[..<(bytes.count - $0)])
    }
  }

  /// How many bytes it has.
  var count: Int { bytes.count }

  /// Whether it stands at `position`.
  func matches(_ text: UnsafeRawBufferPointer, at position: Int) -> Bool {
    guard text.count - position >= bytes.count else { return false }
    for index in 0..<bytes.count where text[position + index] != bytes[index] { return false }
    return true
  }

  /// Where it first stands wholly within `start..<end`, or nil.
  func first(in text: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int? {
    guard let base = text.baseAddress else { return nil }
    var position = start
    while end - position >= bytes.count {
      guard let found = memchr(base + position, Int32(bytes[0]), end - position) else { return nil }
      position = base.distance(to: UnsafeRawPointer(found))
      if end - position >= bytes.count, matches(text, at: position) { return position }
      position += 1
    }
    return nil
  }
}
