/// A chunk after validation and transforms: rows for the target, and rejects.
public struct TransformedChunk: Sendable {
  /// The accepted rows in source order; the target's columns, in the target's order.
  public var batch: RecordBatch
  /// For each row of `batch` its number within the chunk; nil when row `i` is the chunk's row `i`.
  public var batchRows: [UInt32]?
  /// The rejected rows, malformed ones included, in source order.
  public var rejects: [Reject]
  /// The values of the rejected rows that are not malformed; nil when there are none.
  public var rejected: RejectedValues?

  let origins: RejectOrigins

  /// The reject of an accepted row that somebody later refuses, as the database may.
  ///
  /// What is kept of the row, and whether the reason may show its values, is as the job's
  /// `errors.raw` says.
  ///
  /// - Parameters:
  ///   - batchRow: The row's position in `batch`.
  ///   - column: The column at fault, when it is one.
  ///   - rule: The rule it broke.
  ///   - reason: What was expected and what was found.
  public func reject(
    batchRow: Int, column: String?, rule: String = "database", reason: String
  ) -> Reject {
    let chunkRow = batchRows?[batchRow] ?? UInt32(batchRow)
    var reason = reason
    if origins.retention != .full {
      reason = origins.hidingValues(
        in: reason, chunkRow: chunkRow,
        typed: batch.columns.compactMap { column in
          column.valueIndex(atRow: batchRow).map {
            column.values.text(at: $0, type: column.type)
          }
        })
    }
    return origins.reject(chunkRow: chunkRow, column: column, rule: rule, reason: reason)
  }
}

/// Knows where a chunk's rows came from, so that any of them can be rejected.
struct RejectOrigins: Sendable {
  let extent: ChunkExtent
  let origins: RowOrigins
  let retention: RawRetention
  let rawRow: RawRow
  /// For each well-formed row its number within the chunk; nil when no row is malformed.
  let rowNumbers: [UInt32]?

  init(_ chunk: SourceChunk, layout: SourceLayout, retention: RawRetention) {
    extent = chunk.extent
    origins = chunk.origins
    self.retention = retention
    rawRow = RawRow(batch: chunk.batch, layout: layout)
    rowNumbers = chunk.batchRowNumbers
  }

  /// The reject of a well-formed row given by its number within the chunk.
  func reject(chunkRow: UInt32, column: String?, rule: String, reason: String) -> Reject {
    var raw: [UInt8]?
    if retention != .none, let row = sourceRow(of: chunkRow) {
      raw = retention.keeping(rawRow.bytes(ofRow: row))
    }
    return reject(chunkRow: chunkRow, column: column, rule: rule, reason: reason, raw: raw)
  }

  /// The reject of a malformed row.
  func reject(_ malformed: MalformedRow, columns: [String]) -> Reject {
    var column: String?
    switch malformed.defect {
    case .fieldCount, .oversizedRow: break
    case .invalidEncoding(let field, _), .oversizedField(let field, _, _), .quoting(let field):
      if columns.indices.contains(field) { column = columns[field] }
    }
    return reject(
      chunkRow: malformed.row, column: column, rule: malformed.defect.rule,
      reason: malformed.defect.reason, raw: retention.keeping(malformed.raw))
  }

  private func reject(
    chunkRow: UInt32, column: String?, rule: String, reason: String, raw: [UInt8]?
  ) -> Reject {
    let row = Int(chunkRow)
    return Reject(
      row: extent.start.row + UInt64(chunkRow), line: origins.line(ofRow: row),
      byteOffset: extent.start.offset
        + UInt64(origins.byteOffsets.indices.contains(row) ? origins.byteOffsets[row] : 0),
      column: column, rule: rule, reason: reason, raw: raw)
  }

  /// The position in the source's batch of a row given by its number within the chunk.
  private func sourceRow(of chunkRow: UInt32) -> Int? {
    guard let rowNumbers else { return Int(chunkRow) }
    var low = 0
    var high = rowNumbers.count
    while low < high {
      let middle = (low + high) / 2
      if rowNumbers[middle] < chunkRow { low = middle + 1 } else { high = middle }
    }
    return low < rowNumbers.count && rowNumbers[low] == chunkRow ? low : nil
  }

  /// A reason of somebody else's without the row's values, wherever they stand as words of their own.
  func hidingValues(in reason: String, chunkRow: UInt32, typed: [String]) -> String {
    var values = Set(typed)
    if let row = sourceRow(of: chunkRow) {
      for column in rawRow.batch.columns {
        if let index = column.valueIndex(atRow: row) {
          values.insert(column.values.text(at: index, type: column.type))
        }
      }
    }
    var bytes = Array(reason.utf8)
    let replacing = retention == .masked
    // Longer values first, so that one within another does not leave the rest of it.
    for value in values.map({ Array($0.utf8) }).sorted(by: { $0.count > $1.count })
    where !value.isEmpty {
      let replacement = replacing ? RawRetention.masked(value) : Array("…".utf8)
      var position = 0
      while position + value.count <= bytes.count {
        let end = position + value.count
        if bytes[position] == value[0], Array(bytes[position..<end]) == value,
          position == 0 || !bytes[position - 1].isWordByte || !value[0].isWordByte,
          end == bytes.count || !bytes[end].isWordByte || !value[value.count - 1].isWordByte
        {
          bytes.replaceSubrange(position..<end, with: replacement)
          position += replacement.count
        } else {
          position += 1
        }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension UInt8 {
  /// Whether the byte belongs to a letter, digit or underscore.
  fileprivate var isWordByte: Bool {
    digitValue < 10 || (asciiLowercased &- 0x61) < 26 || self == 0x5F || self >= 0x80
  }
}

extension RowDefect {
  /// What was expected and what was found.
  public var reason: String {
    switch self {
    case .fieldCount(let found, let expected):
      "expected \(expected) fields, found \(found)"
    case .invalidEncoding(let field, let encoding):
      "field \(field + 1) has bytes that are not \(encoding.rawValue)"
    case .oversizedField(let field, let bytes, let limit):
      "field \(field + 1) has \(bytes) bytes, more than the limit of \(limit)"
    case .oversizedRow(let bytes, let limit):
      "the row has \(bytes) bytes, more than the limit of \(limit)"
    case .quoting(let field):
      "field \(field + 1) has a quote that is not closed, or text after its closing quote"
    }
  }
}
