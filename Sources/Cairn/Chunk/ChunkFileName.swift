/// How chunk files are named: `chunk_0042.parquet`.
enum ChunkFileName {
  static func of(_ chunk: Int) -> String {
    let digits = String(chunk)
    return "chunk_" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".parquet"
  }

  /// The chunk's number, or nil when `name` is not a chunk file's.
  static func chunk(of name: String) -> Int? {
    guard name.hasPrefix("chunk_"), name.hasSuffix(".parquet"),
      let number = Int(name.dropFirst(6).dropLast(8)), number >= 0, of(number) == name
    else { return nil }
    return number
  }
}
