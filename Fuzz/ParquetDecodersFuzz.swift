// Feeds any bytes to each decoder of the Parquet reader by itself: what a whole file would seldom get
// past headers and checks. Built by Scripts/fuzz-parquet.sh in one module with Sources/Parquet.
//
// The first byte of an input chooses the decoder, the next two say how many values are asked for.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

private let types: [(PhysicalType, Int?)] = [
  (.boolean, nil), (.int32, nil), (.int64, nil), (.int96, nil), (.float, nil), (.double, nil),
  (.byteArray, nil), (.fixedLengthByteArray, 3),
]
private let encodings: [Encoding] = [
  .plain, .rle, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .byteStreamSplit,
]
private let valueDecoders = types.count * encodings.count
private let codecs = CompressionCodec.allCases

/// Decodes `count` bytes at `start`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDecoders(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start, count >= 3 else { return 0 }
  let values = Int(start[1]) | Int(start[2]) << 8
  let body = UnsafeBufferPointer(start: start + 3, count: count - 3)
  // As pages are: with slack behind, and no byte more.
  let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: body.count + PageBytes.slack, alignment: 1)
  defer { memory.deallocate() }
  memory.copyBytes(from: body)
  let bytes = UnsafeRawBufferPointer(rebasing: memory[..<body.count])
  let page = PageBytes(bytes, fileOffset: 0)
  switch Int(start[0]) {
  case let choice where choice < valueDecoders:
    try? decodeValues(page, choice, count: values)
  case let choice where choice < valueDecoders + codecs.count:
    decompress(bytes, codecs[choice - valueDecoders], count: values)
  case let choice where choice < 100:
    try? decodeRuns(page, width: choice % 33, count: values)
  case let choice where choice < 200:
    try? decodeLists(page, choice, count: values)
  case let choice where choice < 200 + 4 * types.count:
    readDictionaryChunk(body, choice - 200, counts: (Int(start[1]), Int(start[2])))
  default: readThrift(bytes)
  }
  return 0
}

private func decodeValues(_ page: PageBytes, _ choice: Int, count: Int) throws(ParquetError) {
  let (type, length) = types[choice % types.count]
  let scratch = DecoderScratch()
  var builder = ColumnValuesBuilder(
    type: type, fixedLength: length, valueCapacity: 0, byteCapacity: 0, byteLimit: 1 << 20)
  var source = page
  let encoding = encodings[choice / types.count]
  if builder.holdsByteStrings, encoding == .plain || encoding == .deltaLengthByteArray {
    source = try builder.appendBytes(page.count, fileOffset: 0) { (target) throws(ParquetError) in
      target.copyMemory(from: UnsafeRawBufferPointer(start: page.start, count: page.count))
    }
  }
  switch encoding {
  case .plain: try builder.appendPlain(&source, count: count)
  case .rle: try builder.appendRunLength(&source, count: count, scratch)
  case .deltaBinaryPacked: try builder.appendDeltas(&source, count: count)
  case .deltaLengthByteArray: try builder.appendDeltaLengths(&source, count: count, scratch)
  case .deltaByteArray: try builder.appendDeltaStrings(&source, count: count, scratch)
  default: try builder.appendSplitBytes(&source, count: count)
  }
  precondition(source.position <= source.end && builder.count == count)
  let values = builder.finish()
  precondition(values.count == count)
  if case .byteArray(let strings) = values { touch(strings) }
  if case .fixedLengthByteArray(let strings) = values { touch(strings) }
}

private func touch(_ strings: ByteStrings) {
  var sum: UInt8 = 0
  for index in 0..<strings.count {
    strings.withBytes(at: index) { for byte in $0 { sum &+= byte } }
  }
  blackHole = sum
}

private func decompress(_ bytes: UnsafeRawBufferPointer, _ codec: CompressionCodec, count: Int) {
  let output = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
  defer { output.deallocate() }
  var decompressor = Decompressor()
  guard (try? decompressor.decompress(bytes, with: codec, into: output)) != nil else { return }
  precondition(count <= Decompressor.mostBytes(from: bytes.count, codec))
}

private func decodeRuns(_ page: PageBytes, width: Int, count: Int) throws(ParquetError) {
  let output = UnsafeMutablePointer<UInt32>.allocate(
    capacity: count + RunLengthBitPackedReader.slack)
  defer { output.deallocate() }
  var source = page
  try RunLengthBitPackedReader.read(&source, count: count, width: width, to: output)
  precondition(source.position <= source.end)
}

/// Levels in two parts of a page, as lists of up to seven definition levels.
private func decodeLists(_ page: PageBytes, _ choice: Int, count: Int) throws(ParquetError) {
  let most = 1 + choice % 7
  let encoding: Encoding = choice % 2 == 0 ? .rle : .bitPacked
  let repetitions = UnsafeMutablePointer<UInt32>.allocate(
    capacity: count + RunLengthBitPackedReader.slack)
  let definitions = UnsafeMutablePointer<UInt32>.allocate(
    capacity: count + RunLengthBitPackedReader.slack)
  defer {
    repetitions.deallocate()
    definitions.deallocate()
  }
  var content = page
  var first = try LevelReader.split(&content, encoding, count: count, most: 1, "levels")
  var second = try LevelReader.split(&content, encoding, count: count, most: most, "levels")
  try LevelReader.read(&first, encoding, count: count, most: 1, to: repetitions)
  try LevelReader.read(&second, encoding, count: count, most: most, to: definitions)
  var lists = ListRowsBuilder(
    SchemaLeaf(
      path: [], maxDefinitionLevel: most, maxRepetitionLevel: 1,
      elementDefinitionLevel: 1 + choice % most))
  let presence = try lists.append(
    repetitions: repetitions, definitions: definitions, count: count, of: page)
  var rows = 0
  for index in 0..<count where repetitions[index] == 0 { rows += 1 }
  let found = try lists.finish(rowCount: rows)
  precondition(found.elementCount == presence.rowCount && found.offsets.first == 0)
  precondition(presence.valueCount <= presence.rowCount)
  precondition(zip(found.offsets, found.offsets.dropFirst()).allSatisfy { $0 <= $1 })
}

/// A column chunk of a dictionary, indices into it and perhaps plain values, which the rows are written
/// out to when they are many. The headers are right, so that each input gets to the pages; those are cut
/// out of `body` as its first two bytes say.
private func readDictionaryChunk(
  _ body: UnsafeBufferPointer<UInt8>, _ choice: Int, counts: (dictionary: Int, coded: Int)
) {
  let (type, length) = types[choice % types.count]
  let isMixed = choice / types.count % 2 == 1
  let isOptional = choice / types.count / 2 == 1
  guard body.count >= 2 else { return }
  var rest = Array(body.dropFirst(2))
  func cut(_ byte: UInt8) -> [UInt8] {
    let count = min(Int(byte), rest.count)
    defer { rest.removeFirst(count) }
    return Array(rest.prefix(count))
  }
  var bytes: [UInt8] = []
  var header = PageHeaderWriter()
  let dictionary = cut(body[0])
  header.writeDictionaryPage(
    valueCount: counts.dictionary, uncompressedByteCount: dictionary.count,
    compressedByteCount: dictionary.count, checksum: nil)
  bytes += Array(header.bytes) + dictionary
  func add(_ page: [UInt8], _ encoding: Encoding, count: Int) {
    header.writeDataPage(
      valueCount: count, encoding: encoding, uncompressedByteCount: page.count,
      compressedByteCount: page.count, checksum: nil)
    bytes += Array(header.bytes) + page
  }
  add(isMixed ? cut(body[1]) : rest, .rleDictionary, count: counts.coded)
  var valueCount = counts.coded
  if isMixed {
    // As many as the bytes may be, so that the reader gets beyond their count.
    let plainCount =
      switch type {
      case .boolean: rest.count * 8
      case .int32, .float: rest.count / 4
      case .int64, .double: rest.count / 8
      case .int96: rest.count / 12
      case .byteArray: counts.coded
      case .fixedLengthByteArray: rest.count / 3
      }
    add(rest, .plain, count: plainCount)
    valueCount += plainCount
  }
  let chunk = ColumnChunkMetadata(
    physicalType: type, path: ["a"], encodings: [.plain, .rleDictionary], codec: .uncompressed,
    valueCount: Int64(valueCount), uncompressedByteCount: Int64(bytes.count),
    compressedByteCount: Int64(bytes.count), dataPageOffset: 0)
  let reader = ColumnChunkReader(
    column: ColumnDescriptor(
      name: "a", physicalType: type, isOptional: isOptional, fixedLength: length),
    leaf: SchemaLeaf(path: ["a"], maxDefinitionLevel: isOptional ? 1 : 0, maxRepetitionLevel: 0),
    chunk: chunk, rowCount: Int64(valueCount), limits: ReaderLimits(chunkByteCount: 1 << 20),
    verifyChecksums: false, scratch: DecoderScratch())
  guard let vector = try? reader.read(from: .memory(ByteStorage(copying: bytes))) else { return }
  precondition(vector.rowCount == valueCount)
  for index in vector.indices ?? [] where index != ColumnVector.null {
    precondition(Int(index) < vector.values.count)
  }
  switch vector.values {
  case .byteArray(let strings), .fixedLengthByteArray(let strings): touch(strings)
  case .boolean(let values): precondition(values.filter { $0 }.count <= values.count)
  case .int32, .int64, .int96, .float, .double: break
  }
}

private func readThrift(_ bytes: UnsafeRawBufferPointer) {
  var header = ThriftCompactReader(bytes, fileOffset: 0)
  _ = try? PageHeaderReader.read(&header)
  var statistics = ThriftCompactReader(bytes, fileOffset: 0)
  _ = try? StatisticsReader.read(&statistics)
  _ = try? FooterReader.read(bytes, fileOffset: 1 << 20)
  _ = try? BloomFilterHeader.read(bytes, fileOffset: 0)
  readPageIndex(bytes)
}

/// The two parts of a page index, the first as long as the first byte says.
private func readPageIndex(_ bytes: UnsafeRawBufferPointer) {
  guard let length = bytes.first.map(Int.init), bytes.count > length else { return }
  let rest = bytes.dropFirst()
  let chunk = ColumnChunkMetadata(
    physicalType: .int64, path: ["a"], encodings: [], codec: .uncompressed, valueCount: 100,
    uncompressedByteCount: 1000, compressedByteCount: 1000, dataPageOffset: 4)
  let parts = PageIndexReader.Parts(
    offsets: UnsafeRawBufferPointer(rebasing: rest.prefix(length)),
    bounds: UnsafeRawBufferPointer(rebasing: rest.dropFirst(length)))
  guard let index = try? PageIndexReader.read(parts, of: chunk, rowCount: 100) else { return }
  precondition(index.pages.first?.rows.lowerBound == 0 && index.pages.last?.rows.upperBound == 100)
}

nonisolated(unsafe) private var blackHole: UInt8 = 0
