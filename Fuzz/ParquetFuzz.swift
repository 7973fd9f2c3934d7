// Feeds any bytes to the Parquet reader. Built by Scripts/fuzz-parquet.sh in one module with
// Sources/Parquet.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Limits that keep one input fast: a fuzzer finds the large files at once.
private let limits = ReaderLimits(
  footerByteCount: 1 << 20, chunkByteCount: 1 << 22, rowCount: 1 << 16, elementCount: 1 << 16)

/// Reads every column, page index and bloom filter of a file that is `count` bytes at `start`, and
/// some rows by predicates.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzParquet(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = ByteStorage(copying: UnsafeBufferPointer(start: start, count: count))
  guard let reader = try? FileReader(bytes: bytes, limits: limits) else { return 0 }
  let scratch = DecoderScratch()
  for rowGroup in reader.metadata.rowGroups.indices.prefix(4) {
    for column in reader.metadata.schema.columns.indices.prefix(64) {
      // Without checksums, or hardly any input would get past them.
      guard
        let vector = try? reader.readColumn(
          column, rowGroup: rowGroup, verifyChecksums: false, scratch: scratch)
      else { continue }
      check(vector, rowCount: Int(reader.metadata.rowGroups[rowGroup].rowCount))
    }
    for column in reader.metadata.leaves.indices.prefix(64) {
      let index = try? reader.pageIndex(column: column, rowGroup: rowGroup)
      for page in index?.pages ?? [] { precondition(page.offset >= 0 && page.byteCount > 0) }
      let filter = try? reader.bloomFilter(column: column, rowGroup: rowGroup)
      _ = filter?.mayContain([UInt8](repeating: 7, count: 8))
    }
  }
  readChosenRows(reader, scratch)
  readAsRows(reader)
  return 0
}

/// Reads rows by predicates that page indexes, bloom filters and statistics are looked into for.
private func readChosenRows(_ reader: FileReader, _ scratch: DecoderScratch) {
  let options = RowReadOptions(verifiesChecksums: false)
  for described in reader.metadata.schema.columns.prefix(8) {
    let tested = column(described.name)
    let predicates = [
      tested == 77, tested >= 3, tested < "value 4", !tested.isNull, tested == true,
      tested.isIn([1.5, 2]),
    ]
    for predicate in predicates {
      guard
        var batches = try? reader.rows(
          where: predicate, rowGroups: Array(reader.metadata.rowGroups.indices.prefix(2)),
          options: options, scratch: scratch)
      else { continue }
      while let batch = try? batches.next() {
        precondition(batch.rowCount > 0)
        for vector in batch.columns { check(vector, rowCount: batch.rowCount) }
      }
    }
  }
}

/// Reads rows as a `Decodable` type that asks for each cell as every type.
private func readAsRows(_ reader: FileReader) {
  let groups = 0..<min(2, reader.metadata.rowGroups.count)
  for _ in reader.rows(as: AnyRow.self, rowGroups: groups, verifyChecksums: false).prefix(64) {}
  for described in reader.metadata.schema.columns.prefix(3) {
    let chosen = try? reader.rows(
      as: AnyRow.self, where: !column(described.name).isNull, rowGroups: groups,
      options: RowReadOptions(verifiesChecksums: false))
    guard let chosen else { continue }
    for _ in chosen.prefix(64) {}
  }
}

private struct AnyRow: Decodable {
  struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: Name.self)
    for name in row.allKeys.prefix(16) {
      // A column that cannot be read ends the row; of a cell that does not fit the others are tried.
      _ = try row.decodeNil(forKey: name)
      _ = try? row.decode(Bool.self, forKey: name)
      _ = try? row.decode(Int8.self, forKey: name)
      _ = try? row.decode(Int64.self, forKey: name)
      _ = try? row.decode(UInt64.self, forKey: name)
      _ = try? row.decode(Int128.self, forKey: name)
      _ = try? row.decode(Float.self, forKey: name)
      _ = try? row.decode(Double.self, forKey: name)
      _ = try? row.decode(String.self, forKey: name)
      _ = try? row.decode([UInt8].self, forKey: name)
      _ = try? row.decode([Int32?].self, forKey: name)
      _ = try? row.decode([String].self, forKey: name)
    }
  }
}

/// Stops the fuzzer if a vector is not what the reader promises: a value, or null, for each row, or
/// for each element of its list.
private func check(_ vector: ColumnVector, rowCount: Int) {
  precondition(vector.rowCount == rowCount)
  if let lists = vector.lists {
    precondition(lists.offsets.count == rowCount + 1 && lists.offsets[0] == 0)
    precondition(lists.elementCount == vector.elementCount)
    for row in 0..<rowCount {
      precondition(lists.offsets[row] <= lists.offsets[row + 1])
      if lists.isNull?[row] == true { precondition(lists.offsets[row] == lists.offsets[row + 1]) }
    }
    precondition(lists.isNull.map { $0.count == rowCount } ?? true)
  }
  for index in vector.indices ?? [] where index != ColumnVector.null {
    precondition(Int(index) < vector.values.count)
  }
  switch vector.values {
  case .byteArray(let strings), .fixedLengthByteArray(let strings):
    var sum: UInt8 = 0
    for index in 0..<strings.count {
      strings.withBytes(at: index) { for byte in $0 { sum &+= byte } }
    }
    precondition(strings.count == vector.values.count)
    blackHole = sum
  case .boolean, .int32, .int64, .int96, .float, .double: break
  }
}

nonisolated(unsafe) private var blackHole: UInt8 = 0

/// Writes the seed corpus to the folder that the environment names, if it does.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
  guard let folder = getenv("PARQUET_FUZZ_SEEDS") else { return 0 }
  do {
    try writeSeeds(to: String(cString: folder))
  } catch {
    print("seeds: \(error)")
    exit(1)
  }
  return 0
}

private func writeSeeds(to folder: String) throws {
  let columns = [
    ColumnDescriptor(name: "b", physicalType: .boolean),
    ColumnDescriptor(
      name: "i", physicalType: .int32, logicalType: .decimal(precision: 9, scale: 2)),
    ColumnDescriptor(
      name: "l", physicalType: .int64,
      logicalType: .timestamp(unit: .microseconds, isAdjustedToUTC: true)),
    ColumnDescriptor(name: "d", physicalType: .double, isOptional: false),
    .string("s"),
    ColumnDescriptor(
      name: "f", physicalType: .fixedLengthByteArray, logicalType: .uuid, fixedLength: 16),
    ColumnDescriptor(name: "t", physicalType: .int32, list: ListShape()),
  ]
  let strings = ByteStrings((0..<12).map { "value \($0 * $0)" })
  let fixed = ByteStrings((0..<12).map { "fixed bytes \(1000 + $0)" })
  let values: [PhysicalValues] = [
    .boolean((0..<12).map { $0 % 3 == 0 }), .int32((0..<12).map { $0 * 77 }),
    .int64((0..<12).map { $0 * 1_000_000 }), .double((0..<12).map { Double($0) / 3 }),
    .byteArray(strings), .fixedLengthByteArray(fixed), .int32((0..<12).map { $0 * 5 }),
  ]
  let encodings: [[String: Encoding]] = [
    [:], ["b": .rle, "i": .deltaBinaryPacked, "l": .deltaBinaryPacked],
    ["s": .deltaByteArray, "f": .deltaByteArray], ["s": .deltaLengthByteArray],
    ["i": .plain, "l": .plain, "d": .plain, "s": .plain, "f": .plain],
  ]
  for (number, encoding) in encodings.enumerated() {
    for codec in [Codec.uncompressed, .snappy, .gzip, .zstd(level: 1), .lz4Raw] {
      for rows in [1, 40] {
        let path = "\(folder)/seed-\(number)-\(codec.compressionCodec)-\(rows)"
        let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0o600)
        guard descriptor >= 0 else {
          throw ParquetError(.inputOutput, expected: "to open \(path)", found: "an error")
        }
        defer { close(descriptor) }
        var writer = try FileWriter(
          output: FileDescriptorOutput(descriptor: descriptor),
          schema: FileSchema(columns: columns),
          options: WriterOptions(
            codec: codec, columnEncodings: encoding, dataPages: number % 2 == 0 ? .v2 : .v1,
            pageByteLimit: 60, bloomFilters: ["i": 0.1, "s": 0.1]))
        var lists = ListRows(isNull: (0..<rows).map { $0 % 5 == 2 })
        for row in 0..<rows {
          let length = row % 5 == 2 ? 0 : UInt32(row % 4)
          lists.offsets.append(lists.offsets[row] + length)
        }
        try writer.writeRowGroup(
          zip(columns, values).map { column, values in
            let isList = column.list != nil
            return ColumnVector(
              values: values,
              indices: (0..<(isList ? lists.elementCount : rows)).map {
                column.isOptional && $0 % 7 == 3 ? ColumnVector.null : UInt32($0 % 12)
              }, lists: isList ? lists : nil)
          })
        _ = try writer.finish(keyValues: [("key", "value")])
      }
    }
  }
}
