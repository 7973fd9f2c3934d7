// Feeds any bytes to the Parquet reader. Built by Scripts/fuzz-parquet.sh in one module with
// Sources/Parquet and Tests/ParquetTests/EverythingReader.swift.

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

/// Reads all that there is in a file that is `count` bytes at `start`, in every way there is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzParquet(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = ByteStorage(copying: UnsafeBufferPointer(start: start, count: count))
  guard let reader = try? FileReader(bytes: bytes, limits: limits) else { return 0 }
  EverythingReader(reader: reader) { holds, what in precondition(holds, what) }.read()
  return 0
}

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
