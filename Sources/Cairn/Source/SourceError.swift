/// Why a source cannot be found, understood or read on.
public enum SourceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is no such file.
  case missing(path: String)
  /// The path is a folder.
  case folder(path: String)
  /// The path is a pipe, socket or device, which cannot be read twice.
  case notAFile(path: String)
  /// The file exists, but this user may not read it.
  case noPermission(path: String)
  /// The operating system failed to read; `detail` is its message.
  case unreadable(path: String, detail: String)
  /// There is not a single byte (after decompression).
  case empty(path: String)
  /// The stored bytes are compressed in a way that is not read.
  case unsupportedCompression(path: String, format: String)
  /// The text is in an encoding that is not read, or not in the one that the job names.
  case unsupportedEncoding(path: String, found: String, expected: TextEncoding)
  /// The compressed file ends too early; `offset` counts stored bytes.
  case truncated(path: String, compression: SourceCompression, offset: UInt64)
  /// The compressed file is damaged; `offset` counts stored bytes.
  case corrupt(path: String, compression: SourceCompression, offset: UInt64, detail: String)
  /// There are fewer lines than `skip_lines` passes over.
  case tooFewLines(path: String, skipLines: Int)
  /// Skipped lines and header are longer than what is looked at to find them, in bytes.
  case headerTooLong(path: String, limit: Int)
  /// The header has bytes that the encoding does not know.
  case headerEncoding(path: String, line: UInt64, encoding: TextEncoding)
  /// A quoted name of the header is not closed, or text follows its closing quote.
  case headerQuoting(path: String, line: UInt64)
  /// No delimiter splits the first rows alike; `tried` are those looked for.
  case noDelimiter(path: String, tried: [String])
  /// The delimiter that the job names cannot be one.
  case invalidDelimiter(String, reason: String)
  /// The quote that the job names cannot be one.
  case invalidQuote(String, reason: String)
  /// The source has no header and the job gives no names.
  case noNames(path: String)
  /// Two columns have the same name; `line` is the header's, nil when the job gave the names.
  case duplicateColumn(path: String, name: String, line: UInt64?)
  /// The job names more or fewer columns than the first rows have.
  case nameCount(path: String, names: Int, fields: Int)
  /// The source grew or changed while it was read, so that its last row may be torn.
  case changedWhileRead(path: String, detail: String)
  /// Reading is to start at a place that the source does not have.
  case positionOutside(path: String, offset: UInt64)
  /// The layout is not one of delimited text.
  case notDelimitedText(path: String)
  /// The source can be read only once, and what is asked for has been read already.
  case notRepeatable(name: String, offset: UInt64)
  /// The source can be read only once, and who it is is known when all of it was read.
  case notReadToEnd(name: String)
  /// A chunk's bytes were parsed before; they are parsed in place, once.
  case parsedBefore(chunk: Int)

  /// What is wrong and what to do, in a sentence or two.
  public var description: String {
    switch self {
    case .missing(let path):
      "there is no file '\(path)'; check the path, relative ones count from the job file"
    case .folder(let path):
      "'\(path)' is a folder; name a file in it, or a pattern such as '\(path)/*.dat'"
    case .notAFile(let path):
      "'\(path)' is not a regular file; give its content to standard input instead"
    case .noPermission(let path):
      "no permission to read '\(path)'; give this user read access to it and its folders"
    case .unreadable(let path, let detail):
      "reading '\(path)' failed: \(detail)"
    case .empty(let path):
      "'\(path)' is empty: it has not even a header"
    case .unsupportedCompression(let path, let format):
      "'\(path)' is compressed with \(format), which is not read; unpack it, or use gzip or zstd"
    case .unsupportedEncoding(let path, let found, let expected):
      "'\(path)' is encoded in \(found) by its byte order mark, where \(expected.rawValue) is "
        + "expected; set source.encoding, or convert the file to UTF-8 (for example with iconv)"
    case .truncated(let path, let compression, let offset):
      "'\(path)' is truncated: its \(compression.rawValue) data ends unfinished after "
        + "\(offset) bytes; copy it again"
    case .corrupt(let path, let compression, let offset, let detail):
      "'\(path)' is damaged: \(detail) in its \(compression.rawValue) data near byte \(offset); "
        + "copy it again"
    case .tooFewLines(let path, let skipLines):
      "'\(path)' ends within the \(skipLines) lines that source.skip_lines passes over"
    case .headerTooLong(let path, let limit):
      "no end of the header within the first \(limit) bytes of '\(path)'; is it a text file, "
        + "with lines ended by LF or CRLF?"
    case .headerEncoding(let path, let line, let encoding):
      "the header of '\(path)' (line \(line)) is not valid \(encoding.rawValue); "
        + "set source.encoding"
    case .headerQuoting(let path, let line):
      "a quoted name in the header of '\(path)' (line \(line)) does not end properly; "
        + "correct it, or set source.quote to none"
    case .noDelimiter(let path, let tried):
      "no delimiter found in '\(path)': none of \(tried.joined(separator: " ")) splits its first "
        + "rows alike; set source.delimiter"
    case .invalidDelimiter(let delimiter, let reason):
      "'\(delimiter)' cannot be the delimiter: \(reason)"
    case .invalidQuote(let quote, let reason):
      "'\(quote)' cannot be the quote character: \(reason)"
    case .noNames(let path):
      "'\(path)' has no header by source.header: none; give its columns in source.names"
    case .duplicateColumn(let path, let name, let line?):
      "the header of '\(path)' (line \(line)) has two columns named '\(name)'; "
        + "use source.header: normalize, which numbers them"
    case .duplicateColumn(let path, let name, nil):
      "source.names has '\(name)' twice (for '\(path)'); each column needs a name of its own"
    case .nameCount(let path, let names, let fields):
      "source.names has \(names) names, but the first rows of '\(path)' have \(fields) fields"
    case .changedWhileRead(let path, let detail):
      "'\(path)' changed while it was read (\(detail)), so its last row may be torn; wait until "
        + "it is complete, then load it again"
    case .positionOutside(let path, let offset):
      "'\(path)' ends before byte \(offset), where reading was to go on; it is not the source "
        + "that was read before"
    case .notDelimitedText(let path):
      "the layout given for '\(path)' does not describe delimited text"
    case .notRepeatable(let name, let offset):
      "\(name) can be read only once, and is already past byte \(offset); "
        + "give the same data again, or load it from a file"
    case .notReadToEnd(let name):
      "\(name) was not read to its end; until then its content is not known"
    case .parsedBefore(let chunk):
      "chunk \(chunk) was parsed before; its bytes are parsed in place, once"
    }
  }
}
