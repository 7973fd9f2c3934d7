@testable import Parquet

/// A column in a file, as a peer meets it.
struct PeerCase {
  var column: MatrixColumn
  /// The encodings that its chunks have.
  var encodings: Set<Encoding>
  /// Whether its row groups have pages of different encodings.
  var isMixed: Bool
  var version: DataPageVersion

  var hasNulls: Bool { column.vector.indices?.contains(ColumnVector.null) ?? false }
  var isList: Bool { column.descriptor.list != nil }
  var physicalType: PhysicalType { column.type.physicalType }
  var logicalType: LogicalType? { column.type.logicalType }

  var isDecimal: Bool {
    if case .decimal = logicalType { true } else { false }
  }
}

/// What a peer is not asked to read, though it is legal, and why.
struct PeerExclusion: Sendable {
  var peer: String
  var reason: String
  var matches: @Sendable (PeerCase) -> Bool

  init(_ peer: String, _ reason: String, _ matches: @escaping @Sendable (PeerCase) -> Bool) {
    self.peer = peer
    self.reason = reason
    self.matches = matches
  }

  static let peers = ["pyarrow", "duckdb", "polars", "fastparquet"]

  /// Each as narrow as it can be; whatever else a peer cannot read, is a failure.
  static let all: [PeerExclusion] = [
    PeerExclusion("duckdb", "has no times of nanoseconds: gives microseconds") {
      if case .time(.nanoseconds, _) = $0.logicalType { true } else { false }
    },
    PeerExclusion("duckdb", "reads BYTE_STREAM_SPLIT of numbers only") {
      $0.physicalType == .fixedLengthByteArray && $0.encodings.contains(.byteStreamSplit)
    },
    PeerExclusion("duckdb", "reads no decimals in delta encodings of byte arrays") {
      $0.isDecimal
        && !$0.encodings.isDisjoint(with: [.deltaLengthByteArray, .deltaByteArray])
    },
    PeerExclusion("polars", "reads FIXED_LEN_BYTE_ARRAY in PLAIN and dictionaries only") {
      $0.physicalType == .fixedLengthByteArray
        && !$0.encodings.isDisjoint(with: [.byteStreamSplit, .deltaByteArray])
    },
    PeerExclusion("fastparquet", "reads lists without logical types, empty ones as none; may crash")
    {
      $0.isList
    },
    PeerExclusion("fastparquet", "has not these encodings, DELTA_BINARY_PACKED not with nulls") {
      !$0.encodings.isDisjoint(with: [
        .deltaBinaryPacked, .deltaLengthByteArray, .deltaByteArray, .byteStreamSplit,
      ])
    },
    PeerExclusion("fastparquet", "mixes values up that have nulls, or are strings, in V2 pages") {
      $0.version == .v2 && ($0.hasNulls || $0.physicalType == .byteArray)
    },
    PeerExclusion("fastparquet", "makes doubles of decimals") { $0.isDecimal },
    PeerExclusion("fastparquet", "cuts zero bytes off the end of fixed-length values") {
      $0.physicalType == .fixedLengthByteArray
    },
    PeerExclusion("fastparquet", "gives documents parsed") {
      $0.logicalType == .json || $0.logicalType == .bson
    },
    PeerExclusion("fastparquet", "takes microseconds of a time for nanoseconds") {
      if case .time(.microseconds, _) = $0.logicalType { true } else { false }
    },
    PeerExclusion("fastparquet", "mixes booleans up between nulls, and those in RLE") {
      $0.physicalType == .boolean && ($0.hasNulls || $0.encodings.contains(.rle))
    },
    PeerExclusion("fastparquet", "mixes up row groups with and without a dictionary") {
      $0.isMixed
    },
  ]

  /// The peers that do not read a column.
  static func of(_ item: PeerCase) -> [String] {
    peers.filter { peer in all.contains { $0.peer == peer && $0.matches(item) } }
  }
}
