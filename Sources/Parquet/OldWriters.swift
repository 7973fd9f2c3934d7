extension FileMetadata {
  /// Bytes that a column chunk may be longer than stated: parquet-mr before 1.2.9 did not count the
  /// header of the dictionary page (PARQUET-816), which is shorter than this.
  var uncountedByteCount: Int {
    guard let createdBy, createdBy.hasPrefix("parquet-mr") else { return 0 }
    let rest = createdBy.dropFirst("parquet-mr version ".count)
    let version = rest.prefix { $0.isNumber || $0 == "." }.split(separator: ".").map {
      Int($0) ?? 0
    }
    return version.lexicographicallyPrecedes([1, 2, 9]) ? 100 : 0
  }
}
