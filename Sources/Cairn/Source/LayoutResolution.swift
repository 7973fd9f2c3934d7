/// Finds out delimiter, quoting, header and columns from the start of a source.
struct LayoutResolution {
  /// Within how many bytes the header must end.
  static let maximumHeaderBytes = 16 << 20
  /// How many bytes are looked at to find out delimiter and quoting.
  static let sampleBytes = 1 << 20

  private let text: PeekedStream
  private let options: SourceOptions
  private let path: String
  private let compression: SourceCompression

  /// Makes a resolution from text that was not read yet; it is only peeked at.
  init(
    _ text: PeekedStream, options: SourceOptions, path: String, compression: SourceCompression
  ) {
    self.text = text
    self.options = options
    self.path = path
    self.compression = compression
  }

  /// The layout of the source.
  func layout() throws(SourceError) -> SourceLayout {
    let quote = try self.quote()
    let given = try givenDelimiter(quote: quote)
    var sampleBytes = Self.sampleBytes
    while true {
      let sample = ContiguousArray(try text.peek(sampleBytes))
      guard !sample.isEmpty else { throw .empty(path: path) }
      let isEnd = sample.count < sampleBytes
      let found: Result<SourceLayout?, SourceError> = sample.withUnsafeBytes { bytes in
        do throws(SourceError) {
          return .success(try layout(of: bytes, isEnd: isEnd, given: given, quote: quote))
        } catch {
          return .failure(error)
        }
      }
      if let layout = try found.get() { return layout }
      guard sampleBytes < Self.maximumHeaderBytes else {
        throw .headerTooLong(path: path, limit: Self.maximumHeaderBytes)
      }
      sampleBytes = Self.maximumHeaderBytes
    }
  }

  /// The layout, or nil when the bytes end within the header.
  private func layout(
    of bytes: UnsafeRawBufferPointer, isEnd: Bool, given: Delimiter?, quote: UInt8?
  ) throws(SourceError) -> SourceLayout? {
    var start = try byteOrderMark(bytes)
    var line: UInt64 = 1
    for _ in 0..<max(options.skipLines, 0) {
      guard let lineEnd = bytes[start...].firstIndex(of: 0x0A) else {
        if isEnd { throw .tooFewLines(path: path, skipLines: options.skipLines) }
        return nil
      }
      start = lineEnd + 1
      line += 1
    }
    if start == bytes.count {
      if !isEnd { return nil }
      if options.header != .none {
        if start == 0 || options.skipLines == 0 { throw .empty(path: path) }
        throw .tooFewLines(path: path, skipLines: options.skipLines)
      }
    }

    let sample = UnsafeRawBufferPointer(rebasing: bytes[start...])
    var delimiter = given
    if delimiter == nil {
      let fieldCount = options.header == .none ? options.names.count : nil
      delimiter = DialectDetection.delimiter(
        in: sample, isEnd: isEnd, fieldCount: fieldCount, quote: quote,
        detectsQuote: options.detectsQuote)
    }
    guard let delimiter else {
      // A longer look helps only if not even one row was seen.
      if !isEnd, !sample.contains(0x0A) { return nil }
      throw .noDelimiter(path: path, tried: DialectDetection.candidates.map(\.name))
    }
    var quote = quote
    if quote == nil, options.detectsQuote {
      quote = DialectDetection.detectQuoting(sample: sample, isEnd: isEnd, delimiter: delimiter)
    }

    var columns = options.names
    var dataStart = start
    var dataLine = line
    if options.header == .none {
      try checkNames(sample, isEnd: isEnd, delimiter, quote)
    } else {
      guard
        let header = try header(sample, isEnd: isEnd, line: line, delimiter, quote)
      else { return nil }
      columns = header.names
      dataStart += header.end
      dataLine += UInt64(header.lines)
    }
    return SourceLayout(
      columns: columns,
      text: DelimitedText(
        delimiter: delimiter.bytes, quote: quote, encoding: options.encoding,
        compression: compression, dataOffset: UInt64(dataStart), dataLine: dataLine,
        maximumFieldBytes: options.maximumFieldBytes))
  }

  // MARK: Options

  private func quote() throws(SourceError) -> UInt8? {
    guard let quote = options.quote else { return nil }
    guard let byte = quote.utf8.first, quote.utf8.count == 1, byte < 0x80 else {
      throw .invalidQuote(quote, reason: "it must be one ASCII character")
    }
    guard byte != 0x0A, byte != 0x0D else {
      throw .invalidQuote(quote, reason: "it ends lines")
    }
    return byte
  }

  private func givenDelimiter(quote: UInt8?) throws(SourceError) -> Delimiter? {
    guard let name = options.delimiter else { return nil }
    guard let bytes = DelimiterName.bytes(name, options.encoding) else {
      throw .invalidDelimiter(name, reason: "\(options.encoding.rawValue) cannot encode it")
    }
    guard !bytes.isEmpty else { throw .invalidDelimiter(name, reason: "it is empty") }
    guard bytes.count <= 8 else {
      throw .invalidDelimiter(name, reason: "it has \(bytes.count) bytes, and may have 8")
    }
    if let quote, bytes.contains(quote) {
      throw .invalidDelimiter(name, reason: "it contains the quote character")
    }
    guard let delimiter = Delimiter(bytes) else {
      throw .invalidDelimiter(name, reason: "it contains a line end")
    }
    return delimiter
  }

  /// The length of the byte order mark.
  private func byteOrderMark(_ bytes: UnsafeRawBufferPointer) throws(SourceError) -> Int {
    var found: String?
    if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
      found = "UTF-32"
    } else if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      found = "UTF-16"
    } else if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      if options.encoding == .utf8 { return 3 }
      found = "UTF-8"
    }
    guard let found else { return 0 }
    throw .unsupportedEncoding(path: path, found: found, expected: options.encoding)
  }

  // MARK: Header

  private func header(
    _ sample: UnsafeRawBufferPointer, isEnd: Bool, line: UInt64, _ delimiter: Delimiter,
    _ quote: UInt8?
  ) throws(SourceError) -> (names: [String], end: Int, lines: Int)? {
    var end = 0
    var lines = 1
    if let quote {
      let row = QuotedRow(
        delimiter: delimiter, quote: quote, maximumFieldBytes: sample.count,
        maximumRowBytes: sample.count)
      switch row.find(in: sample, from: 0, isEnd: isEnd) {
      case .complete(let rowEnd, let rowLines): (end, lines) = (rowEnd, rowLines)
      case .unfinished: return nil
      case .broken: throw .headerQuoting(path: path, line: line)
      }
    } else if let lineEnd = sample.firstIndex(of: 0x0A) {
      end = lineEnd + 1
    } else if isEnd {
      end = sample.count
    } else {
      return nil
    }

    let bounds = SampleRows.withoutLineEnd(0..<end, sample)
    var fields: [String] = []
    var splitter = QuotedFields(sample, bounds, delimiter, quote)
    while let field = splitter.next() {
      guard let name = WesternText.string(field.value(in: sample, quote), options.encoding) else {
        throw .headerEncoding(path: path, line: line, encoding: options.encoding)
      }
      fields.append(name)
    }
    let names =
      options.header == .asIs ? HeaderNames.unchanged(fields) : HeaderNames.normalized(fields)
    if let name = Self.firstDuplicate(names) {
      throw .duplicateColumn(path: path, name: name, line: line)
    }
    return (names, end, lines)
  }

  private func checkNames(
    _ sample: UnsafeRawBufferPointer, isEnd: Bool, _ delimiter: Delimiter, _ quote: UInt8?
  ) throws(SourceError) {
    guard !options.names.isEmpty else { throw .noNames(path: path) }
    if let name = Self.firstDuplicate(options.names) {
      throw .duplicateColumn(path: path, name: name, line: nil)
    }
    let rows = SampleRows(
      sample, isEnd: isEnd, delimiter: delimiter, quote: quote,
      limit: DialectDetection.sampleRows)
    if let first = rows.fieldCounts.first, rows.share(ofCount: options.names.count) == 0 {
      throw .nameCount(path: path, names: options.names.count, fields: first)
    }
  }

  private static func firstDuplicate(_ names: [String]) -> String? {
    var seen = Set<String>()
    return names.first { !seen.insert($0).inserted }
  }
}
