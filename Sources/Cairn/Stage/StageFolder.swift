internal import Parquet

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The files of checkpoints in their folder: written aside, synced, given a name that nobody else
/// has, read back and checked.
struct StageFolder: Sendable {
  /// Where it is, absolute; where a link leads to, once the folder is there.
  let path: String
  let durability: CheckpointDurability
  let faults: FaultPoints

  private static let scratches = EncoderScratchPool()

  func path(of name: String) -> String { FilePaths.join(path, name) }

  /// Makes the folder, for this user alone, if it is missing.
  func prepare() throws {
    if DurableFile.isFolder(path) { return }
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
      throw CheckpointError.folder(path, detail: "it is a link that leads to no folder")
    }
    try DurableFile.createFolder(path)
  }

  // MARK: Write

  /// A file that is written under a temporary name.
  struct Aside {
    let path: String
    let descriptor: Int32
  }

  /// Begins a file under a temporary name.
  func createAside() throws -> Aside {
    let (path, descriptor) = try DurableFile.createAside(path(of: "."))
    return Aside(path: path, descriptor: descriptor)
  }

  /// Writes a file under a temporary name: `write` is given it; closed when this returns, and deleted
  /// when `write` throws.
  ///
  /// - Parameter syncs: Whether it is to be durable, if anything is.
  private func aside(
    syncs: Bool = true, _ cost: inout CheckpointCost,
    _ write: (Aside, inout CheckpointCost) throws -> Void
  ) throws -> String {
    let file = try cost.spend(on: \.files) { try createAside() }
    defer { Self.close(file) }
    do {
      try write(file, &cost)
      if syncs { try sync(file, &cost) }
    } catch {
      try? DurableFile.delete(file.path)
      throw error
    }
    return file.path
  }

  static func close(_ file: Aside) { systemClose(file.descriptor) }

  /// Makes what was written aside durable.
  func sync(_ file: Aside, _ cost: inout CheckpointCost) throws {
    guard durability == .synced else { return }
    try cost.spend(on: \.syncing) { try DurableFile.sync(file.descriptor, path: file.path) }
  }

  /// Writes rows aside.
  ///
  /// - Returns: The file, nil when there are no columns to keep, and the digest of the content.
  func write(
    _ batch: RecordBatch, compression: CheckpointCompression, _ cost: inout CheckpointCost
  ) throws -> (aside: String?, digest: String) {
    guard !batch.columns.isEmpty else { return (nil, ColumnDigest.of(batch)) }
    var digest = ""
    let path = try aside(&cost) { file, cost in
      digest = try Self.scratches.with { scratch in
        let writer = BatchFileWriter(
          descriptor: file.descriptor, path: file.path, compression: compression, scratch: scratch)
        try writer.write(batch)
        _ = try writer.finish()
        cost += writer.cost
        return writer.digest.hexadecimal
      }
    }
    return (path, digest)
  }

  /// Writes bytes aside.
  ///
  /// - Parameter syncs: Whether they are to be durable, if anything is.
  func write(
    _ bytes: [UInt8], syncs: Bool = true, _ cost: inout CheckpointCost
  ) throws -> String {
    try aside(syncs: syncs, &cost) { file, cost in
      try cost.spend(on: \.files) {
        try bytes.withUnsafeBytes {
          try DurableFile.write($0, to: file.descriptor, path: file.path)
        }
      }
    }
  }

  /// Gives a file that was written aside a name, unless another file has it. The name aside may stay
  /// until ``DurableFile/delete(_:)`` takes it away.
  ///
  /// - Returns: Whether the name was free.
  func place(_ aside: String, as name: String) throws -> Bool {
    let final = path(of: name)
    if link(aside, final) == 0 { return true }
    switch errno {
    case EEXIST: return false
    case EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK:
      // A file system without links: nobody else is expected to want the name at this moment.
      guard !exists(name) else { return false }
      try DurableFile.rename(aside, to: final)
      return true
    default: throw FileError("name", final)
    }
  }

  /// Takes back what ``place(_:as:)`` did.
  func unplace(_ name: String, to aside: String) throws {
    var status = stat()
    if lstat(aside, &status) == 0 {
      try DurableFile.delete(path(of: name))
    } else {
      try DurableFile.rename(path(of: name), to: aside)
    }
  }

  /// Gives a file that was written aside a name, whoever has it.
  func replace(_ name: String, by aside: String) throws {
    try DurableFile.rename(aside, to: path(of: name))
  }

  /// Makes the names in the folder durable.
  func sync(_ cost: inout CheckpointCost) throws {
    guard durability == .synced else { return }
    try cost.spend(on: \.syncing) { try DurableFile.syncFolder(path) }
  }

  // MARK: Read

  /// Whether a name is taken.
  func exists(_ name: String) -> Bool {
    var status = stat()
    return lstat(path(of: name), &status) == 0
  }

  /// The path of a file that an entry names, after a look that it is one of this folder.
  ///
  /// - Throws: ``CheckpointError/damaged(_:detail:)`` when it is missing, a link, or elsewhere.
  func existing(_ name: String) throws -> String {
    guard CheckpointName.isFileName(name) else {
      throw CheckpointError.damaged(name, detail: "it is no name of a file in '\(path)'")
    }
    let path = path(of: name)
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { throw CheckpointError.damaged(path, detail: "it is gone") }
      throw FileError("inspect", path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CheckpointError.damaged(path, detail: "it is no regular file")
    }
    return path
  }

  /// Reads a checkpoint's rows and holds them against their digest.
  func rows(
    of checkpoint: StageCheckpoint, _ cost: inout CheckpointCost
  ) throws -> RecordBatch {
    guard let name = checkpoint.dataFile else { return try RecordBatch(columns: []) }
    let path = try existing(name)
    cost.bytes += DurableFile.size(path) ?? 0
    let reader = try cost.spend(on: \.files) { try BatchFileReader(path: path) }
    let batch = try cost.spend(on: \.encoding) { try reader.whole() }
    let found = cost.spend(on: \.digesting) { ColumnDigest.of(batch) }
    try check(found, is: checkpoint, path: path)
    return batch
  }

  /// Reads a checkpoint's JSON text and holds it against its digest.
  func json(
    of checkpoint: StageCheckpoint, _ cost: inout CheckpointCost
  ) throws -> [UInt8] {
    let path = try existing(checkpoint.dataFile ?? "")
    let bytes = try cost.spend(on: \.files) { try WholeFile.read(path, limit: 1 << 30) ?? [] }
    cost.bytes += Int64(bytes.count)
    let found = cost.spend(on: \.digesting) { JSONContent.digest(of: bytes) }
    try check(found, is: checkpoint, path: path)
    return bytes
  }

  /// Holds a stream of batches against its digest, batch by batch.
  func checkBatches(of checkpoint: StageCheckpoint, _ cost: inout CheckpointCost) throws {
    guard let name = checkpoint.dataFile else { return }
    let path = try existing(name)
    cost.bytes += DurableFile.size(path) ?? 0
    let reader = try cost.spend(on: \.files) { try BatchFileReader(path: path) }
    let found = try cost.spend(on: \.encoding) { try reader.contentDigest() }
    try check(found, is: checkpoint, path: path)
  }

  private func check(
    _ found: String, is checkpoint: StageCheckpoint, path: String
  ) throws {
    guard found == checkpoint.dataHash else {
      throw CheckpointError.damaged(
        path,
        detail: "its content has the digest \(found.prefix(16))…, recorded as"
          + " \(checkpoint.dataHash.prefix(16))…")
    }
  }

  // MARK: Delete

  /// Keeps a checkpoint's files aside, so that they can be looked at.
  ///
  /// - Returns: What is kept.
  func keepAside(_ checkpoint: StageCheckpoint) -> [String] {
    names(of: checkpoint).compactMap { name in
      guard exists(name) else { return nil }
      let kept = name + ".damaged"
      return (try? DurableFile.rename(path(of: name), to: path(of: kept))) == nil ? nil : kept
    }
  }

  /// Deletes a checkpoint's files; those that are gone are no error.
  func delete(_ checkpoint: StageCheckpoint) throws {
    for name in names(of: checkpoint) { try DurableFile.delete(path(of: name)) }
  }

  private func names(of checkpoint: StageCheckpoint) -> [String] {
    ([checkpoint.dataFile].compactMap(\.self) + [checkpoint.stateFile])
      .filter(CheckpointName.isFileName)
  }

  /// Whether the last thorough clean-up is an hour ago; if so, this one counts as done.
  func isCleanUpDue(now: Int64) throws -> Bool {
    let mark = path(of: ".cleaned")
    let last = try WholeFile.read(mark, limit: 64).flatMap {
      Int64(String(decoding: $0, as: UTF8.self))
    }
    // A clock that went back makes it due.
    if let last, last <= now, now - last < 3_600_000_000_000 { return false }
    try prepare()
    let file = try createAside()
    defer { Self.close(file) }
    try Array("\(now)".utf8).withUnsafeBytes {
      try DurableFile.write($0, to: file.descriptor, path: file.path)
    }
    try DurableFile.rename(file.path, to: mark)
    return true
  }

  /// Deletes what saves that were killed left behind, and what was kept aside, unless it was touched
  /// lately.
  ///
  /// - Parameters:
  ///   - known: Names of the files of all checkpoints.
  ///   - time: In nanoseconds since 1970.
  func sweep(known: Set<String>, olderThan time: Int64) throws {
    for name in ChunkFiles.names(path) where !known.contains(name) && Self.isOurs(name) {
      let path = path(of: name)
      if DurableFile.modificationTime(path) < time { try DurableFile.delete(path) }
    }
  }

  private static func isOurs(_ name: String) -> Bool {
    if name.hasPrefix("."), name.hasSuffix(".tmp") { return true }
    guard name.hasPrefix("pipeline_"), name.contains("_stage_") else { return false }
    return name.hasSuffix(".parquet") || name.hasSuffix(".json") || name.hasSuffix(".damaged")
  }
}

/// `close(2)`, which a method of that name hides.
private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }
