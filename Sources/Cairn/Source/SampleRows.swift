/// The first rows of a text, split into fields, to find out how it is written.
struct SampleRows {
  /// How many fields each row has.
  var fieldCounts: [Int] = []
  /// How many rows break the rules of quoting.
  var brokenRows = 0
  /// How many fields are quoted.
  var quotedFields = 0

  /// Splits at most `limit` rows of a text.
  ///
  /// - Parameters:
  ///   - bytes: The text, from the start of a row.
  ///   - isEnd: Whether the source ends with it; otherwise a row that it ends within is left out.
  init(
    _ bytes: UnsafeRawBufferPointer, isEnd: Bool, delimiter: Delimiter, quote: UInt8?, limit: Int
  ) {
    let row = QuotedRow(
      delimiter: delimiter, quote: quote ?? 0, maximumFieldBytes: bytes.count,
      maximumRowBytes: bytes.count)
    var position = 0
    while position < bytes.count, fieldCounts.count < limit {
      let lineEnd = bytes[position...].firstIndex(of: 0x0A)
      if lineEnd == nil, !isEnd { break }
      var end = (lineEnd ?? bytes.count - 1) + 1
      var isBroken = false
      if quote != nil {
        switch row.find(in: bytes, from: position, isEnd: isEnd) {
        case .complete(let rowEnd, _): end = rowEnd
        case .broken: isBroken = true
        case .unfinished: return
        }
      }
      let bounds = Self.withoutLineEnd(position..<end, bytes)
      position = end
      if bounds.isEmpty { continue }
      if isBroken {
        brokenRows += 1
        fieldCounts.append(0)
        continue
      }
      var count = 0
      if let quote {
        var fields = QuotedFields(bytes, bounds, delimiter, quote)
        while let field = fields.next() {
          count += 1
          if field.isQuoted { quotedFields += 1 }
        }
      } else {
        count = 1
        var start = bounds.lowerBound
        while let found = delimiter.first(in: bytes, from: start, to: bounds.upperBound) {
          count += 1
          start = found + delimiter.count
        }
      }
      fieldCounts.append(count)
    }
  }

  /// The share of rows that have `count` fields; 1 when there are no rows.
  func share(ofCount count: Int) -> Double {
    guard !fieldCounts.isEmpty else { return 1 }
    return Double(fieldCounts.count { $0 == count }) / Double(fieldCounts.count)
  }

  /// Where a row lies without its line end.
  static func withoutLineEnd(_ row: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> Range<Int> {
    var end = row.upperBound
    if end > row.lowerBound, bytes[end - 1] == 0x0A { end -= 1 }
    if end > row.lowerBound, bytes[end - 1] == 0x0D { end -= 1 }
    return row.lowerBound..<end
  }
}
