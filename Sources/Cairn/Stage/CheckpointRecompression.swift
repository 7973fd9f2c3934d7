internal import Parquet

/// What recompressing checkpoints brought.
public struct CheckpointRecompression: Sendable, Hashable, Codable {
  /// How many checkpoints were rewritten.
  public var rewritten = 0
  /// How many were left alone: they hold no rows, or it would not have made them smaller.
  public var leftAlone = 0
  /// Bytes of the rewritten files before.
  public var bytesBefore: Int64 = 0
  /// Bytes of the rewritten files after.
  public var bytesAfter: Int64 = 0
  /// Seconds that it took.
  public var seconds = 0.0
  /// Those that could not be read, with the reason.
  public var damaged: [String: String] = [:]
}

extension StageCheckpoints {
  /// Rewrites older checkpoints with zstd at a higher level. Their digests stay: they are of the
  /// content. Each file is replaced in one step, so that whoever reads meanwhile finds one or the
  /// other; readers that have it open go on with the old one.
  ///
  /// - Parameters:
  ///   - age: Only those at least this old.
  ///   - level: The level, 1…22.
  /// - Throws: ``FileError``, or what the registry throws. A damaged checkpoint is no error here: it is
  ///   left alone and named.
  public func recompress(
    olderThan age: Duration, level: Int = 12
  ) async throws -> CheckpointRecompression {
    let start = ContinuousClock.now
    let limit = environment.now() - age.nanoseconds
    let old = try await registry.checkpoints(
      CheckpointFilter(savedBefore: CheckpointName.timestamp(ofNanoseconds: limit)))
    var result = CheckpointRecompression()
    let folder = folder
    for checkpoint in old {
      guard checkpoint.kind == .rows || checkpoint.kind == .batches,
        let name = checkpoint.dataFile
      else {
        result.leftAlone += 1
        continue
      }
      do {
        let sizes = try await onWorker {
          try folder.recompress(checkpoint, name: name, level: level)
        }
        if let sizes {
          result.rewritten += 1
          result.bytesBefore += sizes.before
          result.bytesAfter += sizes.after
        } else {
          result.leftAlone += 1
        }
      } catch let error as CheckpointError where error.isDamage {
        result.damaged[checkpoint.id] = "\(error)"
      }
    }
    result.seconds = (ContinuousClock.now - start).inSeconds
    return result
  }
}

extension StageFolder {
  /// Rewrites a file of rows, row group by row group.
  ///
  /// - Returns: Its sizes, nil when it was left alone.
  fileprivate func recompress(
    _ checkpoint: StageCheckpoint, name: String, level: Int
  ) throws -> (before: Int64, after: Int64)? {
    let path = try existing(name)
    let before = DurableFile.size(path) ?? 0
    let reader = try BatchFileReader(path: path)
    // What has been compressed so, or better, stays.
    guard reader.zstdLevel ?? 0 < level, reader.rowGroupCount > 0 else { return nil }
    let file = try createAside()
    defer { Self.close(file) }
    do {
      let writer = BatchFileWriter(
        descriptor: file.descriptor, path: file.path, compression: .zstd(level: level))
      let scratch = DecoderScratch()
      for group in 0..<reader.rowGroupCount {
        try writer.write(try reader.batch(rowGroup: group, scratch: scratch))
      }
      _ = try writer.finish()
      guard writer.digest.hexadecimal == checkpoint.dataHash else {
        throw CheckpointError.damaged(path, detail: "its content is not what its digest says")
      }
      let after = writer.cost.bytes
      guard after < before else {
        try DurableFile.delete(file.path)
        return nil
      }
      var cost = CheckpointCost()
      try sync(file, &cost)
      try replace(name, by: file.path)
      try sync(&cost)
      return (before, after)
    } catch {
      try? DurableFile.delete(file.path)
      throw error
    }
  }
}
