import Foundation
import Testing

@testable import Parquet

/// pyarrow and DuckDB read what we write. One Python process checks all files.
@Suite struct WriterInteroperabilityTests {
  struct ExpectedColumn: Encodable {
    var name: String
    var arrow: String?
    var optional: Bool
    var order: String
    var scale: Int
    var duckdb: Bool
    var encoding: String?
    var bounds: Bool
    var values: [String?]
  }

  struct ExpectedFile: Encodable {
    var file: String
    var columns: [ExpectedColumn]
    var keyValues: [String: String] = [:]
    var rowGroups: Int?
  }

  /// Every codec, policy, null pattern, size and page limit at least once, and each encoding of
  /// each type.
  @Test func peersReadWhatWeWrite() async throws {
    let folder = try TemporaryFolder()
    var expected: [ExpectedFile] = []

    func add(_ name: String, _ columns: [TestColumn], _ options: WriterOptions) throws {
      let bytes = try write(columns, options: options)
      try Data(bytes).write(to: folder.url.appending(path: name))
      expected.append(
        ExpectedFile(
          file: name,
          columns: columns.map { column in
            ExpectedColumn(
              name: column.descriptor.name, arrow: column.type.arrow,
              optional: column.descriptor.isOptional, order: column.type.order,
              scale: column.type.scale, duckdb: column.type.isReadByDuckDB,
              encoding: options.columnEncodings[column.descriptor.name].map(Self.name),
              // NaN is no bound, and nothing comes after many bytes 0xFF.
              bounds: !["nan", "bytes"].contains(column.type.name), values: column.texts)
          }))
    }

    let codecs: [Codec] = [
      .uncompressed, .snappy, .gzip, .zstd(level: 3), .zstd(level: -5), .lz4Raw,
      .brotli(quality: 4),
    ]
    let sizes = [1, 7, 8, 9, 64, 65, 400]
    let limits = [1 << 20, 64, 1, 1000]
    var turn = 0
    for policy in [EncodingPolicy.fast, .smallest] {
      for codec in codecs {
        for nulls in NullPattern.allCases {
          let rows = sizes[turn % sizes.count]
          let limit = limits[turn % limits.count]
          // Few values, many, or another in every row; plain where nothing is null.
          let distinct = [3, 100, nil][turn % 3]
          let isPlain = turn % 4 == 0 && (nulls == .required || nulls == .none)
          turn += 1
          try add(
            "\(policy)-\(codec.compressionCodec)-\(nulls)-\(turn).parquet",
            TestType.all.map {
              TestColumn($0, rows: rows, nulls: nulls, distinct: distinct, isPlain: isPlain)
            },
            WriterOptions(codec: codec, encodingPolicy: policy, pageByteLimit: limit))
        }
      }
    }
    try add(
      "no-rows.parquet",
      TestType.all.map { TestColumn($0, rows: 0, nulls: .none, distinct: 3) }, WriterOptions())

    let encodings: [Encoding] = [
      .plain, .rle, .rleDictionary, .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray,
    ]
    for encoding in encodings {
      for (nulls, rows) in [(NullPattern.required, 300), (.runs, 1000), (.rare, 129)] {
        // DuckDB reads no decimals in byte arrays of delta encodings.
        let columns = TestType.all.filter {
          encoding.writes($0.physicalType)
            && ($0.name != "decimalbytes" || encoding != .deltaLengthByteArray)
        }.map {
          TestColumn($0, rows: rows, nulls: nulls, distinct: nil)
        }
        let forced = Dictionary(
          uniqueKeysWithValues: columns.map { ($0.descriptor.name, encoding) })
        try add(
          "\(encoding)-\(nulls).parquet", columns,
          WriterOptions(columnEncodings: forced, pageByteLimit: 2000))
      }
    }
    expected.append(try Self.writeRowGroups(to: folder.url))
    try JSONEncoder().encode(expected).write(to: folder.url.appending(path: "expected.json"))
    let problems = try await PythonPeers.run("check", in: folder.url)
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  /// A file of several row groups, one of them empty, through a file descriptor, with a working
  /// memory that has served another file.
  private static func writeRowGroups(to folder: URL) throws -> ExpectedFile {
    let url = folder.appending(path: "row-groups.parquet")
    let descriptor = open(url.path, O_CREAT | O_WRONLY, 0o600)
    defer { close(descriptor) }
    var observed: [UInt8] = []
    let output = FileDescriptorOutput(descriptor: descriptor, bufferSize: 4096) {
      observed.append(contentsOf: $0)
    }
    let types = TestType.all.filter { ["int64", "string", "sorted"].contains($0.name) }
    let groups = [500, 0, 3, 2000].map { rows in
      types.map { TestColumn($0, rows: rows, nulls: .rare, distinct: rows == 2000 ? nil : 9) }
    }
    let scratch = EncoderScratch()
    var other = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: groups[3].map(\.descriptor)),
      scratch: scratch)
    try other.writeRowGroup(groups[3].map(\.vector))
    var writer = try FileWriter(
      output: output, schema: FileSchema(columns: groups[0].map(\.descriptor)), scratch: scratch)
    for group in groups { try writer.writeRowGroup(group.map(\.vector)) }
    let summary = try writer.finish(keyValues: [("cairn.run", "żółw"), ("empty", "")])
    let bytes = try Data(contentsOf: url)
    #expect(summary.byteCount == Int64(bytes.count))
    #expect(summary.rowCount == 2503)
    #expect(Data(observed) == bytes)
    return ExpectedFile(
      file: "row-groups.parquet",
      columns: types.indices.map { index in
        ExpectedColumn(
          name: types[index].name, arrow: types[index].arrow, optional: true, order: "none",
          scale: 1, duckdb: true, encoding: nil, bounds: true,
          values: groups.flatMap { $0[index].texts })
      }, keyValues: ["cairn.run": "żółw", "empty": ""], rowGroups: 3)
  }

  static func name(_ encoding: Encoding) -> String {
    switch encoding {
    case .plain: "PLAIN"
    case .plainDictionary: "PLAIN_DICTIONARY"
    case .rle: "RLE"
    case .bitPacked: "BIT_PACKED"
    case .deltaBinaryPacked: "DELTA_BINARY_PACKED"
    case .deltaLengthByteArray: "DELTA_LENGTH_BYTE_ARRAY"
    case .deltaByteArray: "DELTA_BYTE_ARRAY"
    case .rleDictionary: "RLE_DICTIONARY"
    case .byteStreamSplit: "BYTE_STREAM_SPLIT"
    }
  }
}
