internal import Dispatch
internal import Synchronization

extension FileWriter {
  /// Writes one row group, its columns encoded by several threads.
  ///
  /// - Parameters:
  ///   - columns: The columns in schema order, all of the same number of rows.
  ///   - threads: How many threads encode. The calling one is among them and waits for the others, so
  ///     call it where blocking is allowed. Memory holds the encoded row group.
  /// - Throws: As ``writeRowGroup(_:)`` does.
  public mutating func writeRowGroup(_ columns: [ColumnVector], threads: Int) throws {
    try writeRowGroups([columns], threads: threads)
  }

  /// Writes row groups, their columns encoded by several threads: also of use for a file of one column.
  ///
  /// - Parameters:
  ///   - groups: The columns of each row group, in schema order.
  ///   - threads: How many threads encode. The calling one is among them and waits for the others, so
  ///     call it where blocking is allowed. Memory holds all encoded row groups.
  /// - Throws: As ``writeRowGroup(_:)`` does.
  public mutating func writeRowGroups(_ groups: [[ColumnVector]], threads: Int) throws {
    guard threads > 1 else {
      for group in groups { try writeRowGroup(group) }
      return
    }
    try begin()
    for group in groups { _ = try schema.rowCount(of: group) }
    let written = groups.filter { $0[0].rowCount > 0 }
    let schema = schema
    let options = options
    let chunks = try Workers.map(written.count * schema.columns.count, threads: threads) {
      EncoderScratch()
    } each: { index, scratch in
      let (group, column) = index.quotientAndRemainder(dividingBy: schema.columns.count)
      return try EncodedChunk(written[group][column], as: schema.columns[column], options, scratch)
    }
    for (group, columns) in written.enumerated() {
      let start = group * schema.columns.count
      try append(chunks[start..<start + columns.count], rowCount: columns[0].rowCount)
    }
    end()
  }
}

extension FileReader {
  /// Reads columns of row groups with several threads.
  ///
  /// - Parameters:
  ///   - columns: Positions in the schema; nil for all.
  ///   - rowGroups: Positions in the file; nil for all. Memory holds all that are asked for at once.
  ///   - threads: How many threads decode. The calling one is among them and waits for the others, so
  ///     call it where blocking is allowed.
  ///   - verifyChecksums: Whether to hold pages against their CRC-32, where they have one.
  /// - Returns: For each row group its columns, in the order asked for.
  /// - Throws: ``ParquetError`` as ``readColumn(_:rowGroup:verifyChecksums:scratch:)`` does.
  public func readRowGroups(
    _ rowGroups: Range<Int>? = nil, columns: [Int]? = nil, threads: Int,
    verifyChecksums: Bool = true
  ) throws(ParquetError) -> [[ColumnVector]] {
    let columns = columns ?? Array(metadata.schema.columns.indices)
    let groups = rowGroups ?? metadata.rowGroups.indices
    let vectors = try Workers.map(groups.count * columns.count, threads: threads) {
      DecoderScratch()
    } each: { (index, scratch) throws(ParquetError) in
      try readColumn(
        columns[index % columns.count], rowGroup: groups.lowerBound + index / columns.count,
        verifyChecksums: verifyChecksums, scratch: scratch)
    }
    return groups.indices.map { group in
      let start = (group - groups.lowerBound) * columns.count
      return Array(vectors[start..<start + columns.count])
    }
  }
}

/// A column chunk that is encoded but has no place in a file yet.
struct EncodedChunk: Sendable {
  /// Its pages.
  var bytes: ByteStorage
  /// What the footer will say, with offsets from its first byte.
  var metadata: ColumnChunkMetadata

  init(
    _ vector: ColumnVector, as descriptor: ColumnDescriptor, _ options: WriterOptions,
    _ scratch: EncoderScratch
  ) throws {
    var bytes = ByteBuffer(capacity: Self.expectedByteCount(of: vector))
    LargeMemory.prepare(bytes.base, byteCount: bytes.capacity)
    let writer = ColumnChunkWriter(column: descriptor, options: options, scratch: scratch)
    do {
      metadata = try writer.write(vector, at: 0) { bytes.append($0) }
    } catch let error as ParquetError {
      throw error.about(column: descriptor.name)
    }
    self.bytes = bytes.takeStorage()
  }

  /// About the most bytes that its pages will have, so that they need not be moved; what is not written
  /// to takes no memory.
  private static func expectedByteCount(of vector: ColumnVector) -> Int {
    guard vector.indices == nil else { return 1 << 16 }
    let values =
      switch vector.values {
      case .boolean(let values): values.count / 8
      case .int32, .float: vector.values.count * 4
      case .int64, .double: vector.values.count * 8
      case .int96: vector.values.count * 12
      case .byteArray(let strings), .fixedLengthByteArray(let strings):
        strings.storage.bytes.count + strings.count * 4
      }
    return min(values + values / 16, 1 << 28) + (1 << 16)
  }
}

extension ColumnChunkMetadata {
  /// The same for a chunk that begins `offset` bytes later.
  func shifted(by offset: Int64) -> ColumnChunkMetadata {
    var copy = self
    copy.dataPageOffset += offset
    if let dictionaryPageOffset { copy.dictionaryPageOffset = dictionaryPageOffset + offset }
    copy.writtenPages?.shift(by: offset)
    return copy
  }
}

/// Runs pieces of work on several threads.
enum Workers {
  /// Calls `each` for the numbers below `count`, with working memory of the thread's own.
  ///
  /// - Throws: The error of the lowest number that had one.
  static func map<Result: Sendable, Scratch, Failure: Error>(
    _ count: Int, threads: Int, scratch: @Sendable () -> Scratch,
    each: @Sendable (Int, Scratch) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let results = Slots<Swift.Result<Result, Failure>>(count: count)
    @Sendable func work(_: Int) {
      let scratch = scratch()
      while let index = results.take() {
        do throws(Failure) {
          results.set(index, .success(try each(index, scratch)))
        } catch {
          results.set(index, .failure(error))
          results.stop()
        }
      }
    }
    let workers = min(threads, count)
    if workers > 1 {
      DispatchQueue.concurrentPerform(iterations: workers, execute: work)
    } else {
      work(0)
    }
    var values: [Result] = []
    values.reserveCapacity(count)
    for result in results.all {
      // Numbers are taken in order, so that an error comes before all that were left out.
      guard let result else { break }
      values.append(try result.get())
    }
    return values
  }
}

/// The results of numbered pieces of work, and which piece is next.
private final class Slots<Value: Sendable>: Sendable {
  private struct State {
    var next = 0
    var values: [Value?]
  }

  private let state: Mutex<State>

  init(count: Int) { state = Mutex(State(values: Array(repeating: nil, count: count))) }

  /// The next number that no thread has, nil after the last.
  func take() -> Int? {
    state.withLock { state in
      guard state.next < state.values.count else { return nil }
      state.next += 1
      return state.next - 1
    }
  }

  /// Gives out no more numbers.
  func stop() { state.withLock { $0.next = $0.values.count } }

  func set(_ index: Int, _ value: Value) { state.withLock { $0.values[index] = value } }

  var all: [Value?] { state.withLock { $0.values } }
}
