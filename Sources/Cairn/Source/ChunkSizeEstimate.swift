extension ChunkLimits {
  /// The limits that `chunk_rows: auto` stands for: a pure function, whose result is pinned in the
  /// run. How many rows within what is reasonable, ``UnitsPerMark`` decides, as for entity batches;
  /// nothing that was measured goes in, so that the same source always gets the same chunks.
  ///
  /// Small chunks lose little when a run dies; large ones compress better and commit more rows at
  /// once. So:
  ///
  /// - A chunk has 10,000 rows. A source that would make more than 100 such chunks, at 500 bytes a
  ///   row, gets larger ones, up to 50,000 rows. Compressed sources are taken to be five times
  ///   their size.
  /// - It has at most a million fields, since each takes some bytes however short it is: with more
  ///   than 100 columns it has fewer rows, down to 1,000.
  /// - Its text takes at most 5/1024 of the memory there is, between 256 KiB and 16 MiB:
  ///   some four chunks are in flight, and a chunk takes more than twice its text while it is parsed
  ///   and encoded. With the default budget of 512 MiB that is 2.5 MiB.
  /// - The memory there is: the budget, or half of the container's limit where that is less.
  ///
  /// - Parameters:
  ///   - sourceSize: Size of the source as stored, in bytes, or nil when it is not known.
  ///   - compression: How it is compressed.
  ///   - columns: How many columns it has.
  ///   - memoryBudget: The memory that a load may plan with, in bytes.
  ///   - memoryLimit: The memory limit of the container (``MemoryLimit/ofContainer(root:)``), in
  ///     bytes, or nil when there is none.
  public static func estimated(
    sourceSize: Int64?, compression: SourceCompression, columns: Int,
    memoryBudget: Int = 512 << 20, memoryLimit: Int? = nil
  ) -> ChunkLimits {
    let memory = min(memoryBudget, memoryLimit.map { $0 / 2 } ?? .max)
    let bytes = min(max(memory / 1024 * 5, 256 << 10), 16 << 20)
    let textBytes = max(sourceSize ?? 0, 0) / (500 * 100) * (compression == .none ? 1 : 5)
    let rows = UnitsPerMark.units(preferred: Int(clamping: textBytes), within: rowBounds)
    return ChunkLimits(rows: min(rows, max(1_000_000 / max(columns, 1), 1_000)), bytes: bytes)
  }

  /// The rows that a chunk has unless there are too many columns.
  static let rowBounds = 10_000...50_000
}
