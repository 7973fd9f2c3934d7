/// Counts the bytes of one field that is too large to be held, as its row goes by in blocks.
struct OversizedField {
  private let delimiter: Delimiter
  private let quote: UInt8?
  /// The last bytes that went by, the newest lowest.
  private var window: UInt64 = 0
  private var isQuoted = false
  private var afterQuote = false
  private(set) var count = 0
  /// Whether the field's end was seen.
  private(set) var isComplete = false

  init(delimiter: Delimiter, quote: UInt8?) {
    self.delimiter = delimiter
    self.quote = quote
  }

  /// Takes the next bytes of the row; the first ever is the field's first.
  mutating func take(_ bytes: UnsafeRawBufferPointer) {
    guard !isComplete else { return }
    let target = delimiter.bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    for byte in bytes {
      if count == 0, byte == quote, !isQuoted {
        isQuoted = true
        count = 1
        continue
      }
      if isQuoted {
        if byte == quote {
          afterQuote.toggle()
        } else if afterQuote {
          isComplete = true
          return
        }
        count += 1
      } else {
        window = window << 8 | UInt64(byte)
        count += 1
        if window & delimiter.mask == target, count >= delimiter.count {
          count -= delimiter.count
          isComplete = true
          return
        }
      }
    }
  }
}
