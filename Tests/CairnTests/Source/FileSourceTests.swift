import Foundation
import Testing

@testable import Cairn

/// Files as they are found: compressed, damaged, missing, changing.
@Suite struct FileSourceTests {
  static let text =
    "Key~^Name~^Amount\n" + (0..<500).map { "\($0)~^name \($0 % 7)~^\($0 * 3)\n" }.joined()

  /// Every row of a source, its fields joined by `|`; malformed ones by their rule.
  static func rows(
    _ source: some Source, at position: SourcePosition = .start,
    limits: ChunkLimits = ChunkLimits(rows: 64)
  ) async throws -> (rows: [String], recorded: [RecordedExtent]) {
    let layout = try await source.resolve()
    let reader = try await source.open(layout, at: position, limits: limits)
    var rows: [String] = []
    var recorded: [RecordedExtent] = []
    while let unparsed = try await reader.next() {
      let chunk = try unparsed.parse()
      recorded.append(RecordedExtent(extent: chunk.extent, contentDigest: chunk.contentDigest))
      for row in 0..<chunk.batch.rowCount {
        let fields = chunk.batch.columns.map { column -> String in
          guard case .text(let values) = column.values, let index = column.valueIndex(atRow: row)
          else { return "?" }
          return values[index]
        }
        rows.append(fields.joined(separator: "|"))
      }
      rows += chunk.malformed.map { "\($0.row) \($0.defect.rule)" }
    }
    try await reader.verifyUnchanged()
    return (rows, recorded)
  }

  @Test(arguments: ["plain", "gzip", "gzip members", "gzip padding", "zstd", "zstd frames"])
  func `the same rows come out of every form, from every chunk on`(form: String) async throws {
    let folder = try TemporaryFolder()
    let bytes = Array(Self.text.utf8)
    let half = bytes.count / 2
    let stored: [UInt8] =
      switch form {
      case "gzip": try await run("gzip", ["-c"], input: bytes)
      case "gzip members":
        try await run("gzip", ["-c"], input: Array(bytes[..<half]))
          + run("gzip", ["-c"], input: []) + run("gzip", ["-1c"], input: Array(bytes[half...]))
      case "gzip padding":
        try await run("gzip", ["-c"], input: bytes) + [UInt8](repeating: 0, count: 700)
      case "zstd": try await run("zstd", ["-qc"], input: bytes)
      case "zstd frames":
        try await [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
          + run("zstd", ["-qc"], input: Array(bytes[..<half]))
          + run("zstd", ["-q19c"], input: Array(bytes[half...]))
      default: bytes
      }
    let source = FileSource(path: try folder.file("data", stored))
    let expected = (0..<500).map { "\($0)|name \($0 % 7)|\($0 * 3)" }
    let (rows, recorded) = try await Self.rows(source)
    #expect(rows == expected)
    let layout = try await source.resolve()
    #expect(layout.columns == ["key", "name", "amount"])
    let compression =
      form.hasPrefix("gzip") ? SourceCompression.gzip : form.hasPrefix("zstd") ? .zstd : .none
    #expect(layout.text?.compression == compression)
    for record in recorded {
      let rest = try await Self.rows(source, at: record.extent.end)
      #expect(rest.rows == Array(expected[Int(record.extent.end.row)...]))
    }
    #expect(try await source.firstDifference(from: recorded, layout: layout) == nil)
    var other = recorded
    other[3].contentDigest = other[2].contentDigest
    #expect(try await source.firstDifference(from: other, layout: layout) == 3)
    #expect(
      try await source.firstDifference(from: Array(recorded.suffix(2)), layout: layout) == nil)
  }

  @Test func `digests are those of sha256sum`() async throws {
    let folder = try TemporaryFolder()
    let source = FileSource(path: try folder.file("data", Self.text))
    let (_, recorded) = try await Self.rows(source, limits: ChunkLimits(rows: 200))
    let bytes = Array(Self.text.utf8)
    for record in recorded {
      let part = bytes[Int(record.extent.start.offset)..<Int(record.extent.end.offset)]
      let sum = try await run("sha256sum", [], input: Array(part))
      #expect(String(decoding: sum.prefix(64), as: UTF8.self) == record.contentDigest)
    }
    #expect(recorded.count == 3)
    #expect(recorded[0].extent.start.offset == 0)
  }

  @Test func `truncated and damaged files say so, and where`() async throws {
    let folder = try TemporaryFolder()
    var random = SeededGenerator(seed: 1)
    let long =
      "a,b\n" + (0..<20_000).map { _ in "\(random.next()),x\n" }.joined()
    for (tool, arguments, compression) in [
      ("gzip", ["-c"], SourceCompression.gzip), ("zstd", ["-qc"], .zstd),
    ] {
      let stored = try await run(tool, arguments, input: Array(long.utf8))
      let cut = try folder.file("cut.\(tool)", Array(stored.dropLast(20)))
      await #expect(
        throws: SourceError.truncated(
          path: cut, compression: compression, offset: UInt64(stored.count - 20))
      ) { try await Self.rows(FileSource(path: cut)) }

      var damaged = stored
      for index in 0..<40 { damaged[stored.count / 2 + index] ^= 0x55 }
      let path = try folder.file("damaged.\(tool)", damaged)
      do {
        _ = try await Self.rows(FileSource(path: path))
        Issue.record("no error for damaged \(tool)")
      } catch let error as SourceError {
        guard case .corrupt(path, compression, let offset, _) = error else {
          Issue.record("\(error)")
          continue
        }
        #expect(offset > 0 && offset <= UInt64(stored.count))
      }
    }
    let wrong = try await run("gzip", ["-c"], input: Array(long.utf8))
    let junk = try folder.file("junk.gz", wrong + Array("trailing".utf8))
    await #expect(
      throws: SourceError.corrupt(
        path: junk, compression: .gzip, offset: UInt64(wrong.count),
        detail: "bytes that are not a gzip member")
    ) { try await Self.rows(FileSource(path: junk)) }
    // The checksum is the first of a member's last eight bytes.
    var badSum = wrong
    badSum[wrong.count - 8] ^= 1
    let sum = try folder.file("sum.gz", badSum)
    await #expect(throws: SourceError.self) { try await Self.rows(FileSource(path: sum)) }
  }

  @Test func `what is not a readable text file has an error of its own`() async throws {
    let folder = try TemporaryFolder()
    func error(_ path: String, _ options: SourceOptions = SourceOptions()) async -> SourceError? {
      do {
        _ = try await FileSource(path: path, options: options).resolve()
        return nil
      } catch { return error as? SourceError }
    }
    let missing = folder.url.path + "/none.csv"
    #expect(await error(missing) == .missing(path: missing))
    #expect(await error(folder.url.path) == .folder(path: folder.url.path))
    #expect(await error("/dev/null") == .notAFile(path: "/dev/null"))
    let pipe = folder.url.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(await error(pipe) == .notAFile(path: pipe))
    let empty = try folder.file("empty", "")
    #expect(await error(empty) == .empty(path: empty))
    let emptyGzip = try folder.file("empty.gz", try await run("gzip", ["-c"]))
    #expect(await error(emptyGzip) == .empty(path: emptyGzip))
    for (format, magic) in [
      ("bzip2", [0x42, 0x5A, 0x68, 0x39] as [UInt8]),
      ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]), ("zip", [0x50, 0x4B, 0x03, 0x04]),
    ] {
      let path = try folder.file(format, magic + Array("abcdef".utf8))
      #expect(await error(path) == .unsupportedCompression(path: path, format: format))
    }
    let utf16 = try folder.file("utf16", [0xFF, 0xFE, 0x61, 0, 0x2C, 0, 0x62, 0, 0x0A, 0])
    #expect(
      await error(utf16) == .unsupportedEncoding(path: utf16, found: "UTF-16", expected: .utf8))
    let bom = try folder.file("bom", [0xEF, 0xBB, 0xBF] + Array("a,b\n".utf8))
    #expect(
      await error(bom, SourceOptions(encoding: .latin1))
        == .unsupportedEncoding(path: bom, found: "UTF-8", expected: .latin1))
    let single = try folder.file("single", "name\nx\n")
    #expect(
      await error(single)
        == .noDelimiter(path: single, tried: ["~^", ",", "tab", "|", ";", "0x01"]))
    let twice = try folder.file("twice", "a,b,a\n1,2,3\n")
    #expect(
      await error(twice, SourceOptions(header: .asIs))
        == .duplicateColumn(path: twice, name: "a", line: 1))
    #expect(
      await error(twice, SourceOptions(header: .none, names: ["x", "y"]))
        == .noDelimiter(path: twice, tried: ["~^", ",", "tab", "|", ";", "0x01"]))
    #expect(
      await error(twice, SourceOptions(delimiter: ",", header: .none, names: ["x", "y"]))
        == .nameCount(path: twice, names: 2, fields: 3))
    #expect(
      await error(twice, SourceOptions(delimiter: ",", header: .none, names: ["x", "y", "x"]))
        == .duplicateColumn(path: twice, name: "x", line: nil))
    #expect(
      await error(twice, SourceOptions(delimiter: ",", header: .none)) == .noNames(path: twice))
    #expect(
      await error(twice, SourceOptions(skipLines: 5)) == .tooFewLines(path: twice, skipLines: 5))
    let open = try folder.file("open", "a,\"b\n1,2\n")
    #expect(
      await error(open, SourceOptions(delimiter: ",", quote: "\""))
        == .headerQuoting(path: open, line: 1))
    let latin = try folder.file("latin", [0x61, 0x2C, 0xE4, 0x0A])
    #expect(await error(latin) == .headerEncoding(path: latin, line: 1, encoding: .utf8))
    #expect(await error(latin, SourceOptions(encoding: .latin1)) == nil)
    for (delimiter, reason) in [
      ("", "it is empty"), ("123456789", "it has 9 bytes, and may have 8"),
      ("\n", "it contains a line end"), ("\"", "it contains the quote character"),
    ] {
      #expect(
        await error(twice, SourceOptions(delimiter: delimiter, quote: "\""))
          == .invalidDelimiter(delimiter, reason: reason))
    }
    #expect(
      await error(twice, SourceOptions(quote: "ab"))
        == .invalidQuote("ab", reason: "it must be one ASCII character"))
    let endless = try folder.file("endless", [UInt8](repeating: 0x61, count: 17 << 20))
    #expect(
      await error(endless, SourceOptions(delimiter: ","))
        == .headerTooLong(path: endless, limit: 16 << 20))
    if getuid() != 0 {
      let closed = try folder.file("closed", "a,b\n")
      chmod(closed, 0)
      #expect(await error(closed) == .noPermission(path: closed))
    }
    #expect(StoredFile.error(EACCES, path: "x") == .noPermission(path: "x"))
  }

  @Test func `a header alone is a source of no rows, in one chunk`() async throws {
    let folder = try TemporaryFolder()
    for text in ["a,b\n", "a,b", "a,b\r\n\r\n\n"] {
      let source = FileSource(path: try folder.file("header", text))
      let (rows, recorded) = try await Self.rows(source)
      #expect(rows.isEmpty)
      #expect(recorded.count == 1)
      #expect(recorded.first?.extent.end.offset == UInt64(text.utf8.count))
      let end = try #require(recorded.first).extent.end
      #expect(try await Self.rows(source, at: end).recorded.isEmpty)
    }
  }

  @Test func `a file that changes while it is read is noticed`() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("data", Self.text)
    func detail(_ change: () throws -> Void) async throws -> String? {
      try Data(Self.text.utf8).write(to: URL(fileURLWithPath: path), options: [])
      let source = FileSource(path: path)
      let reader = try await source.open(
        source.resolve(), at: .start, limits: ChunkLimits())
      _ = try await reader.next()
      try change()
      do {
        try await reader.verifyUnchanged()
        return nil
      } catch SourceError.changedWhileRead(path, let detail) { return detail }
    }
    let url = URL(fileURLWithPath: path)
    #expect(try await detail {} == nil)
    #expect(
      try await detail {
        let handle = try FileHandle(forWritingTo: url)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("x".utf8))
        try handle.close()
      }?.hasPrefix("it grew") == true)
    #expect(
      try await detail {
        let handle = try FileHandle(forWritingTo: url)
        try handle.truncate(atOffset: 100)
        try handle.close()
      }?.hasPrefix("it shrank") == true)
    #expect(
      try await detail {
        let handle = try FileHandle(forWritingTo: url)
        try handle.seek(toOffset: 3000)
        try handle.write(contentsOf: Data("x".utf8))
        try handle.close()
      } == "its content is another")
    #expect(
      try await detail {
        try FileManager.default.removeItem(at: url)
        try Data(Self.text.utf8).write(to: url)
      } != nil)
    #expect(try await detail { try FileManager.default.removeItem(at: url) } == nil)
  }

  @Test func `identity is of the content, not the name`() async throws {
    let folder = try TemporaryFolder()
    let first = try await FileSource(path: folder.file("a", Self.text)).identify()
    let copy = try await FileSource(path: folder.file("b", Self.text)).identify()
    let other = try await FileSource(path: folder.file("c", Self.text + "x")).identify()
    #expect(first.fingerprint == copy.fingerprint)
    #expect(first.fingerprint != other.fingerprint)
    #expect(first.path?.hasPrefix("/") == true)
    #expect(first.size == Int64(Self.text.utf8.count))
    #expect((first.modifiedAt ?? 0) > 1_600_000_000_000_000_000)
    #expect(FileSource(path: "x/y/data.csv").name == "data.csv")
  }

  @Test func `reading on where the file has ended before is an error`() async throws {
    let folder = try TemporaryFolder()
    let source = FileSource(path: try folder.file("data", "a,b\n1,2\n"))
    let layout = try await source.resolve()
    let beyond = SourcePosition(chunk: 3, offset: 100, row: 9, line: 9)
    await #expect(throws: SourceError.positionOutside(path: source.path, offset: 100)) {
      try await source.open(layout, at: beyond, limits: ChunkLimits())
    }
  }
}
