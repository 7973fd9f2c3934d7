import Foundation
import Testing

@testable import Parquet

/// Repetition and definition levels, put together by hand.
@Suite struct LevelTests {
  typealias Page = HandmadeFile.Page

  /// `optional group a (LIST) { repeated group list { optional int32 element } }`
  private static let schema: [HandmadeFile.Node] = [
    .group("a", .optional, .list, [.group("list", .repeated, [.leaf("element", .optional)])])
  ]

  /// Values in rows, as levels: [1, 2], no list, [], [null, 3], [4], [null].
  private static let repetitions = [0, 1, 0, 0, 0, 1, 0, 0]
  private static let definitions = [3, 3, 0, 1, 2, 3, 3, 2]
  private static let lines = "[1,2]\nnull\n[]\n[null,3]\n[4]\n[null]\n"

  private static func file(_ pages: [Page], rows: Int) -> HandmadeFile {
    HandmadeFile(
      schema: schema, rowCount: rows,
      columns: [HandmadeFile.Column(path: ["a", "list", "element"], pages: pages)])
  }

  private static func page(
    _ repetitions: [Int], _ definitions: [Int], _ values: [Int32]
  ) -> Page {
    Page(
      valueCount: definitions.count,
      body: HandmadeFile.runs(repetitions) + HandmadeFile.runs(definitions)
        + HandmadeFile.plain(values))
  }

  private static func packedPage(_ range: Range<Int>, _ values: [Int32]) -> Page {
    Page(
      valueCount: range.count, definitionEncoding: .bitPacked, repetitionEncoding: .bitPacked,
      body: HandmadeFile.packed(Array(repetitions[range]), width: 1)
        + HandmadeFile.packed(Array(definitions[range]), width: 2) + HandmadeFile.plain(values))
  }

  private static let valid: [(name: String, file: HandmadeFile)] = [
    ("runs", file([page(repetitions, definitions, [1, 2, 3, 4])], rows: 6)),
    ("packed", file([packedPage(0..<8, [1, 2, 3, 4])], rows: 6)),
    // Rows that go on on the next page, and one that ends with it.
    (
      "pages",
      file(
        [
          page([0], [3], [1]), page([1, 0], [3, 0], [2]), page([0, 0], [1, 2], []),
          page([1], [3], [3]), page([0, 0], [3, 2], [4]),
        ], rows: 6)
    ),
    (
      "mixed pages",
      file(
        [
          page([0], [3], [1]), page([1, 0], [3, 0], [2]), packedPage(3..<5, []),
          page([1], [3], [3]), page([0, 0], [3, 2], [4]),
        ], rows: 6)
    ),
  ]

  @Test(arguments: valid.indices) func rowsAreFound(index: Int) throws {
    let (name, file) = Self.valid[index]
    let found = ReadColumns(try file.reader())
    #expect(found.lines == ["a": Self.lines], "\(name) \(found.failures)")
  }

  /// The example of Encodings.md, "Bit-packed (Deprecated)": 0 to 7 in three bits.
  @Test func packedLevelsBeginWithTheHighestBit() throws {
    let example: [UInt8] = [0b0000_0101, 0b0011_1001, 0b0111_0111]
    #expect(HandmadeFile.packed(Array(0...7), width: 3) == example)
  }

  /// But for packed levels: pyarrow takes the lowest bit for the first.
  @Test func pyarrowReadsTheSame() async throws {
    let folder = try TemporaryFolder()
    let runs = Self.valid.filter { $0.name != "packed" && $0.name != "mixed pages" }
    #expect(runs.count == 2)
    let paths = try runs.map { name, file in
      let url = folder.url.appending(path: name)
      try Data(file.bytes).write(to: url)
      return url
    }
    for (path, content) in try await PythonPeers.contents(of: paths) {
      #expect(content.columns == ["a": Self.lines], "\(path): \(content.error ?? "")")
    }
  }

  @Test func packedLevelsOfFlatColumns() throws {
    let levels = [1, 0, 1, 1, 0, 0, 0, 1, 0, 1]
    let page = Page(
      valueCount: 10, definitionEncoding: .bitPacked, repetitionEncoding: .bitPacked,
      body: HandmadeFile.packed(levels, width: 1) + HandmadeFile.plain([7, 8, 9, 10, 11]))
    let file = HandmadeFile(
      schema: [.leaf("a", .optional)], rowCount: 10,
      columns: [HandmadeFile.Column(path: ["a"], pages: [page])])
    #expect(
      ReadColumns(try file.reader()).lines
        == ["a": "7\nnull\n8\n9\nnull\nnull\nnull\n10\nnull\n11\n"])
  }

  private func failure(
    _ pages: [Page], rows: Int, limits: ReaderLimits = ReaderLimits()
  ) throws -> ParquetError? {
    ReadColumns(try Self.file(pages, rows: rows).reader(limits: limits)).failures["a"]
  }

  @Test func levelsThatAreNoLists() throws {
    let cases: [(String, [Page])] = [
      ("the first row does not begin", [Self.page([1, 0], [3, 3], [1, 2])]),
      ("a list goes on after none", [Self.page([0, 1], [0, 3], [1])]),
      ("a list goes on after an empty one", [Self.page([0, 1], [1, 3], [1])]),
      ("an empty list within one", [Self.page([0, 1], [3, 1], [1])]),
      ("no list within one", [Self.page([0, 1, 1], [3, 0, 3], [1, 2])]),
      (
        "a list goes on after none, on the next page",
        [Self.page([0], [0], []), Self.page([1], [3], [1])]
      ),
      ("a repetition level of 2", [Self.page([0, 2], [3, 3], [1, 2])]),
      ("a definition level of 4", [Self.page([0, 0], [3, 4], [1])]),
      (
        "fewer definition levels",
        [
          Page(
            valueCount: 2,
            body: HandmadeFile.runs([0, 0]) + HandmadeFile.runs([3]) + HandmadeFile.plain([1, 2]))
        ]
      ),
      (
        "levels beyond the page",
        [Page(valueCount: 2, body: [0xFF, 0xFF, 0xFF, 0x7F, 2, 0, 2, 0])]
      ),
      ("fewer values than levels say", [Self.page([0, 0], [3, 3], [1])]),
      ("more values than levels say", [Self.page([0, 0], [3, 2], [1, 2])]),
    ]
    for (name, pages) in cases {
      // Each has two rows by its levels, or could have.
      #expect(try failure(pages, rows: 2)?.kind == .malformed, "\(name)")
      #expect(try failure(pages, rows: 1)?.kind == .malformed, "\(name)")
    }
  }

  @Test func otherRowsThanTheRowGroupHas() throws {
    let page = Self.page(Self.repetitions, Self.definitions, [1, 2, 3, 4])
    for rows in [1, 5, 7, 8] {
      let failure = try #require(try failure([page], rows: rows))
      #expect(failure.kind == .malformed && failure.found.contains("6"), "\(failure)")
    }
    // More rows than values cannot be.
    #expect(throws: ParquetError.self) { try Self.file([page], rows: 9).reader() }
    #expect(throws: ParquetError.self) { try Self.file([page], rows: 0).reader() }
  }

  @Test func moreElementsThanIsAccepted() throws {
    // Two bytes of levels that say a run of 2^25 empty lists.
    let run: [UInt8] = [5, 0, 0, 0, 0x80, 0x80, 0x80, 0x20, 0]
    let ones: [UInt8] = [5, 0, 0, 0, 0x80, 0x80, 0x80, 0x20, 1]
    let page = Page(valueCount: 1 << 25, body: run + ones)
    let limits = ReaderLimits(rowCount: 1 << 26, elementCount: 1 << 20)
    #expect(try failure([page], rows: 1 << 25, limits: limits)?.kind == .limitExceeded)
  }

  @Test func otherEncodingsOfLevels() throws {
    var page = Self.page([0], [3], [1])
    page.repetitionEncoding = .plain
    #expect(try failure([page], rows: 1)?.kind == .unsupported)
    page.repetitionEncoding = .rle
    page.definitionEncoding = .deltaBinaryPacked
    #expect(try failure([page], rows: 1)?.kind == .unsupported)
  }

  @Test func aColumnThatCannotBeReadLeavesTheOthers() throws {
    let nested = HandmadeFile.Column(
      path: ["b", "c", "d"], pages: [Page(valueCount: 1, body: [0])])
    var file = Self.file([Self.page([0], [3], [5])], rows: 1)
    file.schema.append(
      .group("b", .repeated, [.group("c", .repeated, [.leaf("d", .repeated)])]))
    file.columns.append(nested)
    let found = ReadColumns(try file.reader())
    #expect(found.lines == ["a": "[5]\n"])
    #expect(
      "\(try #require(found.failures["b.c.d"]))"
        == """
        Parquet: unsupported: expected a column of values or of lists of values, found lists within \
        lists, 3 deep (column "b.c.d")
        """)
  }
}
