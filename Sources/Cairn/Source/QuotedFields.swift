#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Splits one row, of known extent, into fields of which some may be quoted (RFC 4180).
struct QuotedFields {
  /// A field as it stands in the source.
  struct Field {
    /// Where it lies, its quotes included.
    var bounds: Range<Int>
    /// Whether it is quoted.
    var isQuoted: Bool
    /// Whether it is quoted and not closed, or text follows the closing quote.
    var isBroken: Bool

    /// The field's value: without its quotes, doubled ones within it made single.
    func value(in bytes: UnsafeRawBufferPointer, _ quote: UInt8?) -> [UInt8] {
      guard isQuoted else { return Array(bytes[bounds]) }
      var value: [UInt8] = []
      var position = bounds.lowerBound + 1
      while position < bounds.upperBound - 1 {
        value.append(bytes[position])
        position += bytes[position] == quote ? 2 : 1
      }
      return value
    }
  }

  private let bytes: UnsafeRawBufferPointer
  private let end: Int
  private let delimiter: Delimiter
  private let quote: UInt8?
  private var position: Int
  private var isDone = false

  init(
    _ bytes: UnsafeRawBufferPointer, _ bounds: Range<Int>, _ delimiter: Delimiter, _ quote: UInt8?
  ) {
    self.bytes = bytes
    end = bounds.upperBound
    position = bounds.lowerBound
    self.delimiter = delimiter
    self.quote = quote
  }

  /// The next field, or nil after the last.
  mutating func next() -> Field? {
    guard !isDone, let base = bytes.baseAddress else { return nil }
    let start = position
    guard position < end, let quote, bytes[position] == quote else {
      let fieldEnd = delimiter.first(in: bytes, from: position, to: end)
      isDone = fieldEnd == nil
      position = (fieldEnd ?? end) + delimiter.count
      return Field(bounds: start..<(fieldEnd ?? end), isQuoted: false, isBroken: false)
    }
    var search = position + 1
    while let found = memchr(base + search, Int32(quote), end - search) {
      let at = base.distance(to: UnsafeRawPointer(found))
      if at + 1 < end, bytes[at + 1] == quote {
        search = at + 2
        continue
      }
      let field = start..<(at + 1)
      if field.upperBound == end {
        isDone = true
        return Field(bounds: field, isQuoted: true, isBroken: false)
      }
      if end - field.upperBound >= delimiter.count, delimiter.matches(bytes, at: field.upperBound) {
        position = field.upperBound + delimiter.count
        return Field(bounds: field, isQuoted: true, isBroken: false)
      }
      isDone = true
      return Field(bounds: field, isQuoted: true, isBroken: true)
    }
    isDone = true
    return Field(bounds: start..<end, isQuoted: true, isBroken: true)
  }
}
