internal import Parquet
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Batches of rows as a Parquet file, a row group each. The footer names the columns' types under
/// `cairn.columns`, and how pages are compressed under `cairn.compression`.
enum BatchFile {
  static let columnsKey = "cairn.columns"
  static let compressionKey = "cairn.compression"

  /// The columns' names and types, as the footer has them.
  static func text(of columns: [ChunkColumn]) throws -> String {
    if let text = known.withLock({ $0.texts[columns] }) { return text }
    let text = String(decoding: try JSONEncoder().encode(columns), as: UTF8.self)
    known.withLock { $0.add(text, columns) }
    return text
  }

  /// The columns that a footer names.
  static func columns(_ text: String) throws -> [ChunkColumn] {
    if let columns = known.withLock({ $0.columns[text] }) { return columns }
    let columns = try JSONDecoder().decode([ChunkColumn].self, from: Data(text.utf8))
    known.withLock { $0.add(text, columns) }
    return columns
  }

  /// Columns that came lately: stages have the same ones again and again, and JSON would take longer
  /// than all else of a small file.
  private struct Known {
    var texts: [[ChunkColumn]: String] = [:]
    var columns: [String: [ChunkColumn]] = [:]

    mutating func add(_ text: String, _ columns: [ChunkColumn]) {
      if texts.count >= 64 { self = Known() }
      texts[columns] = text
      self.columns[text] = columns
    }
  }

  private static let known = Mutex(Known())
}

/// Writes batches.
final class BatchFileWriter {
  /// The columns, once a batch was written.
  private(set) var columns: [ChunkColumn] = []
  private(set) var digest = ColumnDigest()
  private(set) var cost = CheckpointCost()
  private let path: String
  private let compression: CheckpointCompression
  private let output: BatchFileOutput
  private let scratch: EncoderScratch
  private var writer: FileWriter<BatchFileOutput>?

  init(
    descriptor: Int32, path: String, compression: CheckpointCompression,
    scratch: EncoderScratch = EncoderScratch()
  ) {
    self.path = path
    self.compression = compression
    self.scratch = scratch
    output = BatchFileOutput(descriptor: descriptor, path: path)
  }

  /// Writes a batch as a row group.
  ///
  /// - Throws: ``CheckpointError/otherColumns(expected:found:)`` when its columns are not those of the
  ///   first one.
  func write(_ batch: RecordBatch) throws {
    let found = batch.columns.map { ChunkColumn(name: $0.name, type: $0.type) }
    if writer == nil {
      guard !found.isEmpty else { return }
      columns = found
      writer = try FileWriter(
        output: output, schema: FileSchema(columns: found.map(ChunkSchema.descriptor)),
        options: WriterOptions(codec: compression.codec), scratch: scratch)
    }
    guard found == columns else {
      throw CheckpointError.otherColumns(expected: columns.map(\.text), found: found.map(\.text))
    }
    cost.spend(on: \.digesting) { digest.add(batch) }
    try cost.spend(on: \.encoding) {
      try writer?.writeRowGroup(
        batch.columns.map {
          ColumnVector(values: ChunkVectors.physical($0.values), indices: $0.indices)
        })
    }
  }

  /// Writes the footer. The file is whole then, not yet durable.
  ///
  /// - Returns: Whether there is a file: without columns there is none.
  func finish() throws -> Bool {
    guard writer != nil else { return false }
    let summary = try cost.spend(on: \.encoding) {
      try writer?.finish(keyValues: [
        (BatchFile.columnsKey, try BatchFile.text(of: columns)),
        (BatchFile.compressionKey, compression.description),
      ])
    }
    cost.bytes = summary?.byteCount ?? 0
    return true
  }
}

/// Reads batches back.
struct BatchFileReader {
  let columns: [ChunkColumn]
  private let reader: FileReader
  private let path: String

  /// Files of up to so many bytes are read at once.
  private static let smallSize = 4 << 20

  /// - Throws: ``CheckpointError/damaged(_:detail:)`` when it is no file of batches.
  init(path: String) throws {
    self.path = path
    do {
      if let size = DurableFile.size(path), size <= Self.smallSize {
        guard let bytes = try WholeFile.read(path, limit: Self.smallSize) else {
          throw CheckpointError.damaged(path, detail: "it is gone")
        }
        reader = try FileReader(bytes: ByteStorage(copying: bytes))
      } else {
        reader = try FileReader(path: path)
      }
      guard let text = reader.metadata.value(forKey: BatchFile.columnsKey) else {
        throw CheckpointError.damaged(path, detail: "its footer does not name its columns")
      }
      columns = try BatchFile.columns(text)
    } catch let error as ParquetError {
      throw CheckpointError.damaged(path, detail: "\(error)")
    } catch let error as DecodingError {
      throw CheckpointError.damaged(path, detail: "its columns cannot be read: \(error)")
    }
    guard columns.map(\.name) == reader.metadata.schema.columns.map(\.name) else {
      throw CheckpointError.damaged(path, detail: "its columns are not those it names")
    }
  }

  var rowGroupCount: Int { reader.metadata.rowGroups.count }

  /// The level that zstd compressed it at; nil when it is compressed otherwise.
  var zstdLevel: Int? {
    reader.metadata.value(forKey: BatchFile.compressionKey).flatMap { text in
      text.hasPrefix("zstd ") ? Int(text.dropFirst(5)) : nil
    }
  }

  /// The batch of a row group.
  func batch(rowGroup: Int, scratch: DecoderScratch = DecoderScratch()) throws -> RecordBatch {
    do {
      return try RecordBatch(
        columns: columns.indices.map { position in
          let vector = try reader.readColumn(position, rowGroup: rowGroup, scratch: scratch)
          return Column(
            name: columns[position].name, type: columns[position].type,
            values: try ChunkVectors.values(vector.values, column: columns[position], path: path),
            indices: vector.indices)
        })
    } catch let error as ParquetError {
      throw CheckpointError.damaged(path, detail: "\(error)")
    } catch let error as ChunkFileError {
      throw CheckpointError.damaged(path, detail: "\(error)")
    }
  }

  /// All rows as one batch.
  func whole() throws -> RecordBatch {
    let scratch = DecoderScratch()
    let batches = try (0..<rowGroupCount).map { try batch(rowGroup: $0, scratch: scratch) }
    if batches.count == 1 { return batches[0] }
    return try RecordBatch(joining: batches, columns: columns)
  }

  /// The digest of all rows, read batch by batch.
  func contentDigest() throws -> String {
    var digest = ColumnDigest()
    let scratch = DecoderScratch()
    if rowGroupCount == 0 { digest.add(try RecordBatch(joining: [], columns: columns)) }
    for group in 0..<rowGroupCount {
      digest.add(try batch(rowGroup: group, scratch: scratch))
    }
    return digest.hexadecimal
  }
}

/// Collects bytes of a file and writes them in large pieces, with errors that tell a full disk from
/// everything else.
private final class BatchFileOutput: ByteOutput {
  private let descriptor: Int32
  private let path: String
  private var held: [UInt8] = []

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws {
    held.append(contentsOf: bytes)
    if held.count >= 1 << 18 { try flush() }
  }

  func flush() throws {
    try held.withUnsafeBytes { bytes in
      try DurableFile.write(bytes, to: descriptor, path: path)
    }
    held.removeAll(keepingCapacity: true)
  }
}

extension ChunkColumn {
  /// `price double`.
  var text: String { "\(name) \(type)" }
}

extension RecordBatch {
  /// The rows of several batches, one after the other.
  ///
  /// - Parameter columns: The columns that each of them has.
  init(joining batches: [RecordBatch], columns: [ChunkColumn]) throws {
    try self.init(
      columns: columns.enumerated().map { position, column in
        let parts = batches.map { $0.columns[position] }
        let hasIndices = parts.contains { $0.indices != nil }
        var indices: [UInt32] = []
        var base: UInt32 = 0
        for part in parts where hasIndices {
          if let own = part.indices {
            indices += own.map { $0 == Column.null ? $0 : $0 + base }
          } else {
            indices += base..<base + UInt32(part.values.count)
          }
          base += UInt32(part.values.count)
        }
        return Column(
          name: column.name, type: column.type,
          values: try ColumnValues(joining: parts.map(\.values), type: column.type),
          indices: hasIndices ? indices : nil)
      })
  }
}

extension ColumnValues {
  /// The values of several columns of one type, one after the other.
  fileprivate init(joining parts: [ColumnValues], type: ColumnType) throws {
    func joined<Value>(_ pick: (ColumnValues) -> [Value]?) throws -> [Value] {
      try parts.flatMap { part -> [Value] in
        guard let values = pick(part) else {
          throw RecordBatchError.typeMismatch(column: "", holds: type, asked: "\(type)")
        }
        return values
      }
    }
    switch type {
    case .text, .json:
      var bytes: [UInt8] = []
      var slices: [ByteSlice] = []
      for part in parts {
        guard case .text(let texts) = part else { continue }
        for index in 0..<texts.count {
          texts.withBytes(at: index) { text in
            slices.append(
              ByteSlice(offset: UInt32(clamping: bytes.count), length: UInt32(text.count)))
            bytes.append(contentsOf: text)
          }
        }
      }
      guard bytes.count <= Int(UInt32.max) else {
        throw RecordBatchError.unsupportedRow(
          "a column of more than 4 GiB of text cannot be one batch; read it batch by batch")
      }
      self = .text(ByteStrings(storage: ByteStorage(copying: bytes), slices: slices))
    case .boolean: self = .boolean(try joined { if case .boolean(let v) = $0 { v } else { nil } })
    case .integer: self = .integer(try joined { if case .integer(let v) = $0 { v } else { nil } })
    case .bigint: self = .bigint(try joined { if case .bigint(let v) = $0 { v } else { nil } })
    case .double: self = .double(try joined { if case .double(let v) = $0 { v } else { nil } })
    case .numeric: self = .numeric(try joined { if case .numeric(let v) = $0 { v } else { nil } })
    case .date: self = .date(try joined { if case .date(let v) = $0 { v } else { nil } })
    case .time: self = .time(try joined { if case .time(let v) = $0 { v } else { nil } })
    case .timestamp, .timestamptz:
      self = .timestamp(try joined { if case .timestamp(let v) = $0 { v } else { nil } })
    case .uuid: self = .uuid(try joined { if case .uuid(let v) = $0 { v } else { nil } })
    }
  }
}
