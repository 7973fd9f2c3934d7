/// Finds out from the first rows how a text is delimited and whether it is quoted.
enum DialectDetection {
  /// How many rows are looked at.
  static let sampleRows = 200

  /// The delimiters that are looked for, in order of preference.
  static let candidates: [(name: String, bytes: [UInt8])] = [
    ("~^", [0x7E, 0x5E]), (",", [0x2C]), ("tab", [0x09]), ("|", [0x7C]), (";", [0x3B]),
    ("0x01", [0x01]),
  ]

  /// The delimiter that splits the first rows alike, or nil.
  ///
  /// Of the candidates that occur in the first row it is the one by which most rows have as many
  /// fields as the first (at least half of them must); of equals the one that makes more fields.
  ///
  /// - Parameters:
  ///   - sample: Text from the start of the header, or of the first row.
  ///   - isEnd: Whether the source ends with it.
  ///   - fieldCount: How many fields a row must have, if that is known.
  ///   - quote: The quote character, or nil for none.
  ///   - detectsQuote: Whether it is to be found out if `"` quotes fields.
  static func delimiter(
    in sample: UnsafeRawBufferPointer, isEnd: Bool, fieldCount: Int?, quote: UInt8?,
    detectsQuote: Bool
  ) -> Delimiter? {
    var best: (delimiter: Delimiter, share: Double, count: Int)?
    for candidate in candidates {
      guard let delimiter = Delimiter(candidate.bytes) else { continue }
      var quote = quote
      if detectsQuote, quote == nil {
        quote = detectQuoting(sample: sample, isEnd: isEnd, delimiter: delimiter)
      }
      let rows = SampleRows(
        sample, isEnd: isEnd, delimiter: delimiter, quote: quote, limit: sampleRows)
      guard let first = rows.fieldCounts.first else { continue }
      let count = fieldCount ?? first
      let share = rows.share(ofCount: count)
      guard count > 1, share >= 0.5 else { continue }
      if let best, (share, count) <= (best.share, best.count) { continue }
      best = (delimiter, share, count)
    }
    return best?.delimiter
  }

  /// Whether `"` quotes fields (RFC 4180), judged by the first rows: the quote, or nil.
  ///
  /// It does when some field starts with it, all but one row in a hundred keep the rules of
  /// quoting, and no fewer rows have as many fields as the first than without quoting. When nothing
  /// in the first rows starts with a quote, text delimited by a comma or semicolon is taken to be
  /// quoted where need be, since that is how such files are written; other text is not.
  static func detectQuoting(
    sample: UnsafeRawBufferPointer, isEnd: Bool, delimiter: Delimiter
  ) -> UInt8? {
    let quote: UInt8 = 0x22
    guard !delimiter.bytes.contains(quote) else { return nil }
    let quoted = SampleRows(
      sample, isEnd: isEnd, delimiter: delimiter, quote: quote, limit: sampleRows)
    if quoted.quotedFields == 0, quoted.brokenRows == 0 {
      return delimiter.bytes == [0x2C] || delimiter.bytes == [0x3B] ? quote : nil
    }
    guard quoted.brokenRows * 100 <= quoted.fieldCounts.count else { return nil }
    let plain = SampleRows(
      sample, isEnd: isEnd, delimiter: delimiter, quote: nil, limit: sampleRows)
    guard let first = quoted.fieldCounts.first, let plainFirst = plain.fieldCounts.first else {
      return nil
    }
    return quoted.share(ofCount: first) >= plain.share(ofCount: plainFirst) ? quote : nil
  }
}
