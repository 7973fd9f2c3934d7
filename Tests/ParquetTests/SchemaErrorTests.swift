import Testing

@testable import Parquet

/// What is said of a schema that makes no sense: which element, and where it is.
@Suite struct SchemaErrorTests {
  private typealias Node = HandmadeFile.Node

  /// A fixed length that is missing, below names of the same kind.
  @Test func elementIsNamedByItsByte() throws {
    let file = HandmadeFile(
      schema: [
        .leaf("first", .required),
        .group("group", .optional, [.leaf("lengthless", .required, .fixedLengthByteArray)]),
        .leaf("last", .required),
      ], rowCount: 0, columns: [])
    let error = try #require(throws: ParquetError.self) { try file.reader() }
    #expect(error.kind == .malformed)
    #expect(error.column == "lengthless")
    #expect(error.expected == "a fixed length of at least 1")
    // Type and repetition are before the name, each a byte of header and one of value, then the name's
    // header and length.
    let name = try #require(file.bytes.firstRange(of: "lengthless".utf8))
    #expect(error.offset == name.lowerBound - 6)
  }

  /// A group that says it has one child more than there are.
  @Test func groupWithTooFewChildrenIsNamedByItsByte() throws {
    var file = HandmadeFile(
      schema: [.group("group", .required, [.leaf("a", .required)])], rowCount: 0, columns: []
    ).bytes
    let name = try #require(file.firstRange(of: "group".utf8))
    // Its number of children follows, as a zigzag varint behind the field's header.
    let count = name.upperBound + 1
    try #require(file[count] == 2)
    file[count] = 4
    let error = try #require(throws: ParquetError.self) {
      try FileReader(bytes: ByteStorage(copying: file))
    }
    #expect(error.description.contains("as many schema elements as groups have children"))
    #expect(error.column == "group")
    #expect(error.offset == name.lowerBound - 4)
  }
}
