#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A run's folder as clean-up sees it.
public struct CheckpointFolder: Sendable, Hashable, Codable {
  /// Its path.
  public var path: String
  /// The run.
  public var syncID: SyncID
  /// Where the run's sink is, without secrets, if its manifest says.
  public var sink: String?
  /// How the run stood, if its manifest says.
  public var status: RunStatus?
  /// When it was last written to: nanoseconds since 1970.
  public var modifiedAt: Int64
  /// Bytes in it.
  public var bytes: Int64
}

/// Finds and deletes run folders that are past their retention.
public enum Cleanup {
  /// The run folders in a checkpoint folder, oldest first.
  public static func folders(in directory: String) -> [CheckpointFolder] {
    let directory = FilePaths.absolute(directory)
    var found: [CheckpointFolder] = []
    for name in ChunkFiles.names(directory) {
      guard let syncID = SyncID(name) else { continue }
      let path = FilePaths.join(directory, name)
      guard DurableFile.isFolder(path) else { continue }
      // Whatever cannot be read of a manifest is simply not known here.
      let manifest = try? ManifestStore(folder: path, faults: .none).read()
      found.append(
        CheckpointFolder(
          path: path, syncID: syncID, sink: manifest?.sink, status: manifest?.status,
          modifiedAt: newestChange(in: path), bytes: size(of: path)))
    }
    return found.sorted { ($0.modifiedAt, $0.path) < ($1.modifiedAt, $1.path) }
  }

  /// Whether a folder is past its retention.
  public static func isExpired(
    _ folder: CheckpointFolder, retention: Duration, now: Int64
  ) -> Bool {
    Double(now - folder.modifiedAt) * 1e-9 > retention.inSeconds
  }

  /// Deletes a run's folder; an unfinished run is marked abandoned in its sink first, so that no
  /// resume looks for chunks that are gone.
  ///
  /// - Parameters:
  ///   - folder: The run's folder.
  ///   - sink: The run's sink, or nil when the run has none.
  ///   - options: Whom to tell: its log and metrics hear of it.
  /// - Throws: ``SinkError`` when another process owns the run; ``FileError``.
  public static func remove(
    _ folder: CheckpointFolder, sink: (any Sink)?, options: LoadOptions = LoadOptions()
  ) async throws {
    let journal = RunJournal(options, job: "", run: folder.syncID)
    do {
      try await removed(folder, sink: sink)
      journal.cleanedUp(folder.syncID, bytes: folder.bytes)
    } catch {
      journal.cleanedUp(folder.syncID, error: error)
      throw error
    }
  }

  private static func removed(_ folder: CheckpointFolder, sink: (any Sink)?) async throws {
    if let sink {
      let record = try await sink.runs(
        RunFilter(syncID: folder.syncID, includesAbandoned: true)
      ).first
      if let record, record.completedAt == nil, record.abandonedAt == nil {
        try await sink.abandon(folder.syncID, owner: .current())
      }
    }
    try ChunkFiles.remove(folder.path, faults: .none)
  }

  /// Deletes what is past its retention of the runs of one sink, after a load.
  ///
  /// What cannot be deleted now, because its owner lives or the disk refuses, is logged and left to
  /// the next time.
  static func sweep(_ job: Job, sink: any Sink, options: LoadOptions) async {
    let directory = FilePaths.absolute(job.checkpoint.directory)
    let now = options.environment.now()
    for name in ChunkFiles.names(directory) where SyncID(name) != nil {
      let path = FilePaths.join(directory, name)
      let age = Double(now - newestChange(in: path)) * 1e-9
      guard age > job.checkpoint.retention.inSeconds,
        let folder = folders(in: directory).first(where: { $0.path == path }),
        folder.sink == sink.location
      else { continue }
      let journal = RunJournal(options, job: job.name, run: folder.syncID)
      do {
        try await removed(folder, sink: sink)
        journal.expired(folder.syncID)
      } catch {
        journal.expired(folder.syncID, error: error)
      }
    }
  }

  private static func newestChange(in path: String) -> Int64 {
    let files = [path] + ChunkFiles.names(path).map { FilePaths.join(path, $0) }
    return files.map(DurableFile.modificationTime).max() ?? 0
  }

  private static func size(of path: String) -> Int64 {
    ChunkFiles.names(path).reduce(0) {
      $0 + (DurableFile.size(FilePaths.join(path, $1)) ?? 0)
    }
  }
}
