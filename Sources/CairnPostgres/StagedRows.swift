import Cairn

/// The rows of a chunk as they will be written: encoded, keys grouped.
struct StagedRows: Sendable {
  /// The rows, in the job's columns.
  var block: RowBlock
  /// The keys, or nil when rows are only appended.
  var keys: KeyArrays?
  /// For each row a hash of its key; empty when equal keys may have different bytes.
  var keyHashes: [UInt64]
  /// Rows that need not be tried, ascending: without a key, or with a value that the table does not
  /// hold.
  var refused: [(row: UInt32, refusal: Refusal)]
  /// The other rows by key.
  var groups: KeyGroups
  /// The keys of rows that were rejected before, as far as they could be read.
  var rejectedKeys: RejectedKeys?

  /// The same rows, none of which wins over another.
  var alone: StagedRows {
    var rows = self
    rows.groups.previous = []
    return rows
  }

  /// Prepares the rows of a chunk for a table.
  ///
  /// - Parameters:
  ///   - key: The target's unique key, or nil when rows are only appended.
  ///   - lane: Where the server is asked about types that only it understands.
  init(_ work: ChunkWork, shape: TargetShape, key: UniqueKey?, asking lane: Lane) async throws {
    try await self.init(
      work.batch, rejected: work.rejected, for: work.target, shape: shape, key: key, asking: lane)
  }

  /// Prepares rows for a table.
  ///
  /// - Parameters:
  ///   - rejected: Values of rows that were rejected before.
  ///   - key: The target's unique key, or nil when rows are only appended.
  ///   - lane: Where the server is asked about types that only it understands.
  init(
    _ batch: RecordBatch, rejected: RejectedValues? = nil, for target: TargetTable,
    shape: TargetShape, key: UniqueKey?, asking lane: Lane
  ) async throws {
    let names = target.columns.map(\.name)
    guard names == batch.columns.map(\.name) else {
      throw SinkError.fatal(
        "the batch has the columns \(batch.columns.map(\.name)), the target \(names)",
        remedy: "")
    }
    let rowCount = batch.rowCount
    func encode(_ column: Column) async throws -> (EncodedColumn, WireForm, ShapeColumn) {
      guard let found = shape.column(named: column.name), let form = column.type.form(in: found)
      else {
        throw SinkError.targetMismatch(
          table: shape.name.sql,
          problems: [
            shape.column(named: column.name).flatMap { column.type.misfit(in: $0) }
              ?? "column '\(column.name)' is missing"
          ], remedy: "Change the table or the job's columns.")
      }
      var converted: ConvertedValues?
      if form == .converted {
        let type = found.base
        converted = try await lane.perform { try ConvertedValues(column, to: type, on: $0) }
      }
      return (EncodedColumn(column, as: form, converted: converted), form, found)
    }
    var columns: [EncodedColumn] = []
    var forms: [WireForm] = []
    var shapes: [ShapeColumn] = []
    for column in batch.columns {
      let (encoded, form, found) = try await encode(column)
      columns.append(encoded)
      forms.append(form)
      shapes.append(found)
    }
    let keyPositions = (key?.columns ?? []).compactMap { names.firstIndex(of: $0.name) }
    guard keyPositions.count == key?.columns.count ?? 0 else {
      throw SinkError.fatal("the job does not load all key columns of the target", remedy: "")
    }
    refused = Self.refused(columns, keyPositions: keyPositions, rowCount: rowCount)
    var rows = Array(0..<UInt32(rowCount))
    if !refused.isEmpty {
      let gone = Set(refused.map(\.row))
      rows.removeAll { gone.contains($0) }
    }
    block = RowBlock(columns, rowCount: rowCount)
    rejectedKeys = nil
    guard let key else {
      keys = nil
      keyHashes = []
      groups = KeyGroups(distinctRows: rows)
      return
    }
    let arrays = KeyArrays(
      columns: keyPositions.map { columns[$0] },
      parts: zip(keyPositions, key.columns).map { (shapes[$0], $1) })
    keys = arrays
    if let rejected {
      var columns: [EncodedColumn] = []
      for position in keyPositions {
        columns.append(try await encode(rejected.batch.columns[position]).0)
      }
      rejectedKeys = RejectedKeys(
        rejected, keys: KeyArrays(columns: columns, parts: arrays.parts))
    }
    let bytesDecide = zip(keyPositions, key.columns).allSatisfy {
      forms[$0].hasCanonicalBytes && !$1.isInexact
    }
    if bytesDecide {
      groups = KeyGroups(rows: rows, rowCount: rowCount, key: arrays.columns)
      keyHashes = Self.hashes(arrays.columns, rowCount: rowCount)
    } else {
      let candidates = rows
      let pairs = try await lane.perform { try Self.repeated(arrays, candidates, on: $0) }
      groups = KeyGroups(rows: rows, rowCount: rowCount, pairs: pairs)
      keyHashes = []
    }
  }

  /// The rows with a value that the table does not hold, or without a key.
  private static func refused(
    _ columns: [EncodedColumn], keyPositions: [Int], rowCount: Int
  ) -> [(row: UInt32, refusal: Refusal)] {
    var refused: [UInt32: Refusal] = [:]
    for (position, column) in columns.enumerated() {
      let isKey = keyPositions.contains(position)
      guard isKey || !column.unfit.isEmpty else { continue }
      for row in 0..<rowCount {
        let value = column.valueIndex(ofRow: row)
        let reason: String?
        if value == Column.null {
          reason = isKey ? "the key has no value" : nil
        } else {
          reason = column.unfit.isEmpty ? nil : column.unfit[value]
        }
        if let reason, refused[UInt32(row)] == nil {
          refused[UInt32(row)] = Refusal(column: column.name, reason: reason)
        }
      }
    }
    return refused.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// For each row a hash of its key's bytes.
  private static func hashes(_ key: [EncodedColumn], rowCount: Int) -> [UInt64] {
    var hashes = [KeyHash](repeating: KeyHash(), count: rowCount)
    for column in key {
      let values: [UInt64] = column.bytes.withUnsafeBytes { bytes in
        (0...column.valueCount).map { value in
          // The bytes come after their length, of which a NULL has nothing else.
          let start = min(Int(column.starts[value]) + 4, Int(column.starts[value + 1]))
          return KeyHash.value(
            UnsafeRawBufferPointer(rebasing: bytes[start..<Int(column.starts[value + 1])]))
        }
      }
      for row in 0..<rowCount {
        let value = column.valueIndex(ofRow: row)
        hashes[row].add(values[value == Column.null ? column.valueCount : Int(value)])
      }
    }
    return hashes.map(\.hash)
  }

  /// Asks the server which rows have the key of an earlier one.
  private static func repeated(
    _ keys: KeyArrays, _ rows: [UInt32], on connection: Connection
  ) throws -> [(row: UInt32, before: UInt32)] {
    let parts = keys.columns.indices.map(keys.collated).joined(separator: ", ")
    let found = try connection.query(
      """
      SELECT g.ord, g.before FROM (
        SELECT k.ord, lag(k.ord) OVER (PARTITION BY \(parts) ORDER BY k.ord) AS before
        FROM \(keys.source())) g
      WHERE g.before IS NOT NULL
      """, keys.parameters(for: rows), binary: true)
    return (0..<found.rowCount).map { row in
      (
        rows[Int(found.binaryInteger(row, 0)) - 1], rows[Int(found.binaryInteger(row, 1)) - 1]
      )
    }
  }
}

/// A hash of a key's bytes, put together part by part; it holds within this process.
struct KeyHash {
  private(set) var hash: UInt64 = 0

  /// The hash of a part.
  static func value(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  @inline(__always)
  mutating func add(_ value: UInt64) { hash = (hash &* 0x9E37_79B9_7F4A_7C15) ^ value }
}
