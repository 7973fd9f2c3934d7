/// A believable transport extract in the style of an SAP export, made from a seed.
///
/// 45 columns, `~^` between fields, LF after rows, a header in human words, some 470 bytes a row.
/// Notes are repeated, near and far, with changed data; some rows are bad on purpose. Equal
/// parameters give equal bytes on every machine. The file is streamed: memory does not grow with
/// it, but for two bytes a note when the expectation is asked for.
public struct SampleExtract: Sendable, Hashable {
  /// Rows, without the header.
  public var rows: Int
  /// The seed.
  public var seed: UInt64
  /// The share of rows with a planted defect, 0…1.
  public var badRate: Double
  /// The share of rows that repeat an earlier note, 0…1.
  public var duplicateRate: Double

  /// Describes an extract; negative rows and rates outside of 0…1 are brought into range.
  public init(
    rows: Int, seed: UInt64 = 1, badRate: Double = 0.005, duplicateRate: Double = 0.03
  ) {
    // A note's number has ten digits.
    self.rows = min(max(rows, 0), 9_000_000_000)
    self.seed = seed
    self.badRate = min(max(badRate, 0), 1)
    self.duplicateRate = min(max(duplicateRate, 0), 1)
  }

  /// Writes the extract to a file, compressed by gzip when its name ends in `.gz`.
  ///
  /// - Returns: How many bytes the extract has, decompressed.
  /// - Throws: ``SampleError`` when the file cannot be written.
  @discardableResult
  public func write(to path: String) throws(SampleError) -> Int {
    var output = try SampleOutput(path: path)
    return try generate(to: &output) { _, _, _, _, _, _, _ in }
  }

  /// Writes the extract as ``write(to:)`` does, and reckons what a right load of it must hold.
  ///
  /// - Throws: ``SampleError`` when the file cannot be written.
  public func writeWithExpectation(to path: String) throws(SampleError) -> SampleExpectation {
    var output = try SampleOutput(path: path)
    return try expectation(generatingTo: &output)
  }

  /// The extract in memory, with what a right load of it must hold; for small ones.
  public func generate() throws(SampleError) -> (bytes: [UInt8], expectation: SampleExpectation) {
    var output = SampleOutput()
    let expectation = try expectation(generatingTo: &output)
    return (output.collected, expectation)
  }

  private func expectation(
    generatingTo output: inout SampleOutput
  ) throws(SampleError) -> SampleExpectation {
    var reckoning = SampleReckoning(seed: seed, renderer: SampleRenderer())
    let bytes = try generate(to: &output) { note, defect, row, byteOffset, writer, start, ends in
      reckoning.count(
        note, defect: defect, row: row, byteOffset: byteOffset, in: writer, from: start, ends: ends)
    }
    return reckoning.expectation(rows: rows, bytes: bytes)
  }

  /// What is told of each row: note, defect, number, offset in the file, and where it was written:
  /// the writer, the row's start in it and the end of each field.
  private typealias RowVisitor = (
    borrowing SampleDocument, SampleDefect?, Int, Int, borrowing ByteWriter, Int, [Int]
  ) -> Void

  /// Generates all rows; returns how many bytes they have with the header.
  private func generate(
    to output: inout SampleOutput, eachRow visit: RowVisitor
  ) throws(SampleError) -> Int {
    let renderer = SampleRenderer()
    var course = SampleCourse(self)
    var writer = ByteWriter(capacity: SampleOutput.blockSize + (1 << 14))
    var ends: [Int] = []
    var flushed = 0

    renderer.header(to: &writer)
    for row in 0..<rows {
      let step = course.next()
      let note = SampleDocument(
        seed: seed, ordinal: step.ordinal, version: step.version,
        hasNumber: step.defect != .missingKey)
      let start = writer.count
      renderer.row(note, defect: step.defect, to: &writer, ends: &ends)
      visit(note, step.defect, row, flushed + start, writer, start, ends)
      if writer.count >= SampleOutput.blockSize {
        flushed += writer.count
        try output.write(writer.bytes)
        writer.truncate(to: 0)
      }
    }
    flushed += writer.count
    try output.write(writer.bytes)
    try output.finish()
    return flushed
  }
}
