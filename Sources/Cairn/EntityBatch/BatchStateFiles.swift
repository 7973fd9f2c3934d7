#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Keeps state with a checkpoint: small state goes into the checkpoint's row, large state into a file
/// that is durable before the mark which names it.
///
/// Files are named after the run, the fence and the content: `state_<sync id>_<fence>_<digest>.bin`. So
/// names of processors and partitions, whatever they hold, never become paths, a mark never names a file
/// that somebody overwrites, and an owner that was overtaken never deletes its successor's.
package struct BatchStateFiles: Sendable {
  /// The folder, or nil when all state goes into the row.
  let folder: String?
  /// State of more bytes goes into a file.
  let inlineLimit: Int
  let faults: FaultPoints

  /// Deletes what a run has left in a folder.
  package static func remove(of run: SyncID, in folder: String) {
    BatchStateFiles(folder: folder, inlineLimit: 0, faults: .none).remove(of: run)
  }

  /// Stores state, durably where it goes into a file.
  func store(_ state: BatchState, under lease: Lease) throws -> StoredState {
    var digest = ContentDigest()
    digest.update(state.bytes)
    let text = digest.hexadecimal
    guard let folder, state.bytes.count > inlineLimit else {
      return StoredState(digest: text, size: state.bytes.count, bytes: state.bytes)
    }
    let name = "\(Self.prefix(of: lease.syncID))\(lease.fence)_\(text.prefix(16)).bin"
    let path = FilePaths.join(folder, name)
    let stored = StoredState(digest: text, size: state.bytes.count, file: name)
    // The same bytes again: the file is there, and is checked when it is read.
    if DurableFile.size(path) == Int64(state.bytes.count) { return stored }
    try DurableFile.createFolder(folder)
    let (aside, descriptor) = try DurableFile.createAside(path + ".")
    do {
      defer { close(descriptor) }
      try state.bytes.withUnsafeBytes {
        try DurableFile.write($0, to: descriptor, path: aside)
      }
      faults.reach(.stateBeforeRename)
      try DurableFile.sync(descriptor, path: aside)
    } catch {
      try? DurableFile.delete(aside)
      throw error
    }
    try DurableFile.rename(aside, to: path)
    try DurableFile.syncFolder(folder)
    faults.reach(.stateWritten)
    return stored
  }

  /// Reads state back and checks its digest.
  ///
  /// - Returns: Nil when the file is gone or is not what was written: what is wrong is the second
  ///   value. A file that is not is kept aside under a name that ends in `.bad`.
  func load(_ stored: StoredState) -> (state: BatchState?, defect: String?) {
    let bytes: [UInt8]
    var path: String?
    if let inline = stored.bytes {
      bytes = inline
    } else {
      guard let folder, let file = stored.file, !file.contains("/"), file.hasPrefix("state_") else {
        return (nil, "the state of \(stored.size) bytes is in a file, and no state folder is given")
      }
      let whole = FilePaths.join(folder, file)
      path = whole
      guard let data = FileManager.default.contents(atPath: whole) else {
        return (nil, "the state file '\(whole)' is gone")
      }
      bytes = Array(data)
    }
    var digest = ContentDigest()
    digest.update(bytes)
    guard digest.hexadecimal == stored.digest else {
      guard let path else { return (nil, "the saved state is not what was written") }
      try? DurableFile.rename(path, to: path + ".bad")
      return (nil, "the state file '\(path)' is not what was written; it is kept as '\(path).bad'")
    }
    return (BatchState(bytes: bytes), nil)
  }

  /// Deletes the state files of a run that is over. Nothing depends on it.
  ///
  /// - Parameter kept: The file that the history names.
  func remove(of run: SyncID, except kept: String? = nil) { remove(of: run) { $0 != kept } }

  /// Deletes the state files of earlier marks: this owner's and its predecessors'. Those of a successor
  /// stay, which may have made marks since. Nothing depends on it.
  ///
  /// - Parameter kept: The file that the last mark names.
  func remove(of lease: Lease, except kept: String?) {
    remove(of: lease.syncID) { name in
      name != kept && Self.fence(of: name, of: lease.syncID) <= lease.fence
    }
  }

  private func remove(of run: SyncID, where isOver: (String) -> Bool) {
    guard let folder, let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return }
    for name in names
    where name.hasPrefix(Self.prefix(of: run)) && !name.hasSuffix(".bad") && isOver(name) {
      try? DurableFile.delete(FilePaths.join(folder, name))
    }
  }

  /// Under which fence a file was written; 0 where the name does not say.
  private static func fence(of name: String, of run: SyncID) -> Int64 {
    let rest = name.dropFirst(prefix(of: run).count)
    return rest.firstIndex(of: "_").flatMap { Int64(rest[..<$0]) } ?? 0
  }

  private static func prefix(of run: SyncID) -> String { "state_\(run)_" }
}
