import Logging

/// Keeps a run's manifest up to date on disk, at most about once a second.
///
/// What an earlier attempt left is read beside the first chunks' work, not before it: a resume needs
/// none of it, since ledger and chunk footers say all that matters.
struct ManifestKeeper {
  /// Nil for a run without chunk files: it writes nothing to disk.
  private let store: ManifestStore?
  private var manifest: Manifest?
  private var earlier: Task<Manifest, any Error>?
  private var changes: [(inout Manifest) -> Void] = []
  private var lastSave: ContinuousClock.Instant?
  private var interval: Duration = .seconds(1)

  /// Starts the manifest of a new run.
  init(new manifest: Manifest, store: ManifestStore? = nil) {
    self.manifest = manifest
    self.store = store
  }

  /// Goes on with the manifest of an earlier attempt, or, where it is missing or damaged, rebuilds it
  /// on top of `blank` from the chunk files' footers; the ledger's marks come as changes.
  ///
  /// - Throws: ``ManifestError/unknownVersion(path:found:known:)``.
  init(resuming blank: Manifest, store: ManifestStore, logger: Logger) throws {
    self.store = store
    if let version = try store.version(), version != Manifest.currentFormat {
      throw ManifestError.unknownVersion(
        path: store.path, found: version, known: Manifest.currentFormat)
    }
    earlier = Task(executorPreference: WorkerExecutor.shared) {
      do {
        if let found = try store.read(), found.syncID == blank.syncID { return found }
      } catch let error as ManifestError {
        logger.warning(
          "manifest rebuilt from chunk footers and ledger",
          metadata: ["run": "\(blank.syncID)", "reason": "\(error)"])
        _ = try store.keepAside()
      }
      return ManifestRepair.rebuild(blank, folder: store.folder)
    }
  }

  /// Notes a change; it reaches the disk with the next save.
  mutating func note(_ change: @escaping (inout Manifest) -> Void) {
    guard manifest == nil else {
      manifest.mutate(change)
      return
    }
    changes.append(change)
  }

  /// Saves if the last save is long enough ago.
  mutating func saveIfDue() async throws {
    if store == nil { return }
    if let lastSave, ContinuousClock.now - lastSave < interval { return }
    if lastSave == nil, earlier != nil {
      // The first second of a resume belongs to rows.
      lastSave = .now
      return
    }
    try await save()
  }

  /// Saves now.
  mutating func save() async throws {
    if let earlier, manifest == nil {
      var restored = try await earlier.value
      for change in changes { change(&restored) }
      changes = []
      manifest = restored
      self.earlier = nil
    }
    guard let manifest, let store else { return }
    let start = ContinuousClock.now
    try store.write(manifest)
    lastSave = .now
    // Writing a large manifest takes at most a twentieth of the time.
    interval = max(.seconds(1), (.now - start) * 20)
  }
}

/// Rebuilds a lost manifest.
enum ManifestRepair {
  /// Adds to `blank` what the chunk files in a folder say of themselves.
  static func rebuild(_ blank: Manifest, folder: String) -> Manifest {
    var manifest = blank
    for chunk in ChunkFiles.list(folder) {
      // A damaged file is left out: the load sets it aside when it comes to it.
      guard
        let found = try? ChunkFile.describe(FilePaths.join(folder, ChunkFileName.of(chunk))),
        found.description.run == blank.syncID
      else { continue }
      manifest.chunkConverted(
        found.file, source: found.description.source, at: blank.updatedAt)
      if found.description.isLast {
        manifest.endKnown(
          SourceEnd(position: found.description.source.extent.end), at: blank.updatedAt)
      }
    }
    return manifest
  }
}

extension Optional {
  /// Changes the value in place, without a copy.
  fileprivate mutating func mutate(_ change: (inout Wrapped) -> Void) {
    guard var value = take() else { return }
    change(&value)
    self = value
  }
}
