internal import Synchronization

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

/// A registry of files in the checkpoint folder.
///
/// `checkpoint_metadata.json` has the form of the Python design. As long as it is small it is written
/// anew at every save; beyond that, saves and deletions are appended to
/// `checkpoint_journal.jsonl`, which is folded in when it has become as long as the registry. So a
/// save takes as long with a hundred thousand checkpoints as with ten. Below `pipelines/` each
/// execution has a small file and a lock.
///
/// A registry that is lost or damaged is made anew from the checkpoints' state files.
public final class FolderRegistry: StageRegistry {
  static let fileName = "checkpoint_metadata.json"
  static let journalName = "checkpoint_journal.jsonl"
  static let lockName = "checkpoint_metadata.lock"

  private let folder: StageFolder
  private let environment: RunEnvironment
  private let state = Mutex(State())

  private struct State {
    /// What was read last, and of which files.
    var known: (content: RegistryContent, stamps: Stamps)?
    var locks: [String: PipelineLock] = [:]
    var lockDescriptor: Int32 = -1
  }

  /// Below so many bytes the registry is written anew at every save.
  private static let smallSize: Int64 = 32 << 10

  /// Makes a registry.
  ///
  /// - Parameters:
  ///   - directory: The checkpoint folder; a link to one is followed.
  ///   - durability: Whether entries survive a power failure.
  ///   - environment: Whose clock is written down.
  public convenience init(
    directory: String, durability: CheckpointDurability = .synced,
    environment: RunEnvironment = .live
  ) {
    self.init(
      folder: StageFolder(
        path: FilePaths.absolute(directory), durability: durability, faults: .none),
      environment: environment)
  }

  init(folder: StageFolder, environment: RunEnvironment) {
    self.folder = folder
    self.environment = environment
  }

  deinit {
    state.withLock { state in
      for lock in state.locks.values { lock.release() }
      if state.lockDescriptor >= 0 { close(state.lockDescriptor) }
    }
  }

  /// The path of `checkpoint_metadata.json`.
  public var location: String { path }

  private var path: String { folder.path(of: Self.fileName) }
  private var journal: String { folder.path(of: Self.journalName) }
  private var executionFolder: String { folder.path(of: "pipelines") }

  /// Makes the folder.
  public func prepare() async throws {
    try await onWorker { try self.folder.prepare() }
  }

  // MARK: Executions

  /// Locks the execution's file.
  public func claim(_ claim: PipelineClaim) async throws -> PipelineClaimOutcome {
    try await onWorker { try self.claimed(claim) }
  }

  private func claimed(_ claim: PipelineClaim) throws -> PipelineClaimOutcome {
    if claim.takeOver {
      throw PipelineError.unsupported(
        "an execution in a folder's registry cannot be taken over: end the process that has it")
    }
    try folder.prepare()
    try DurableFile.createFolder(executionFolder)
    let lockPath = FilePaths.join(executionFolder, claim.key + ".lock")
    guard let lock = try PipelineLock.take(lockPath) else {
      let owner =
        PipelineLock.signature(lockPath)
        ?? LeaseOwner(host: "this host", pid: 0, processStart: "unknown")
      let present = try execution(claim.key) ?? claim.attempt(of: nil, holder: nil)
      return .held(present, LeaseHolder(owner: owner, fence: 0, expiresAt: "it ends"))
    }
    do {
      try lock.sign(claim.owner)
      let holder = LeaseHolder(owner: claim.owner, fence: 1, expiresAt: "it ends")
      let execution = claim.attempt(of: try execution(claim.key), holder: holder)
      try write(execution)
      let lease = PipelineLease(
        pipelineID: execution.pipelineID, key: claim.key, fence: Int64(execution.attempt),
        token: "\(environment.random())")
      state.withLock { $0.locks[lease.token] = lock }
      return .claimed(lease, execution)
    } catch {
      lock.release()
      throw error
    }
  }

  /// Does nothing: the lock lasts as long as the process.
  public func renew(_ lease: PipelineLease, duration: Duration) async throws {}

  /// Writes down how the attempt ended and unlocks the execution.
  public func end(_ lease: PipelineLease, error: String?, at time: String) async throws {
    try await onWorker {
      guard let lock = self.state.withLock({ $0.locks.removeValue(forKey: lease.token) }) else {
        return
      }
      defer { lock.release() }
      guard var execution = try self.execution(lease.key) else { return }
      execution.status = error == nil ? .completed : .failed
      execution.error = error
      execution.updatedAt = time
      execution.completedAt = error == nil ? time : nil
      execution.holder = nil
      try self.write(execution)
    }
  }

  /// The executions whose files are there.
  public func executions(of pipeline: String?) async throws -> [PipelineExecution] {
    try await onWorker { try self.allExecutions(of: pipeline) }
  }

  private func allExecutions(of pipeline: String?) throws -> [PipelineExecution] {
    try ChunkFiles.names(executionFolder).filter { $0.hasSuffix(".json") }
      .compactMap { try execution(String($0.dropLast(5))) }
      .filter { pipeline == nil || $0.pipeline == pipeline }
      .sorted { $0.updatedAt > $1.updatedAt }
  }

  private func execution(_ key: String) throws -> PipelineExecution? {
    let path = FilePaths.join(executionFolder, key + ".json")
    guard let bytes = try WholeFile.read(path, limit: 1 << 24) else { return nil }
    // One that a crash has torn is begun anew; its checkpoints stay listed.
    guard var execution = try? JSONContent.decode(PipelineExecution.self, from: bytes) else {
      return nil
    }
    // A killed process could not sign off.
    if let owner = execution.holder?.owner, !owner.isAliveOnThisHost { execution.holder = nil }
    return execution
  }

  private func write(_ execution: PipelineExecution) throws {
    let path = FilePaths.join(executionFolder, execution.key + ".json")
    try replace(path, by: try JSONContent.encode(execution, pretty: true), in: executionFolder)
  }

  /// Deletes the files of executions that nobody has locked.
  public func removeExecutions(before time: String) async throws {
    try await onWorker {
      for execution in try self.allExecutions(of: nil) where execution.updatedAt < time {
        let base = FilePaths.join(self.executionFolder, execution.key)
        guard let lock = try PipelineLock.take(base + ".lock") else { continue }
        defer { lock.release() }
        // Somebody may have gone on with it before the lock was taken.
        if let now = try self.execution(execution.key), now.updatedAt >= time { continue }
        try DurableFile.delete(base + ".json")
        try DurableFile.delete(base + ".lock")
      }
    }
  }

  // MARK: Checkpoints

  /// Writes the registry anew, or a line into its journal.
  public func record(_ checkpoint: StageCheckpoint, under lease: PipelineLease?) async throws {
    try await onWorker { try self.recorded(checkpoint, under: lease) }
  }

  func recorded(_ checkpoint: StageCheckpoint, under lease: PipelineLease?) throws {
    let entry = RegistryContent.Entry(CheckpointText.line(checkpoint))
    try locked { state in
      if let lease, state.locks[lease.token] == nil {
        throw PipelineError.overtaken(lease.pipelineID, nil)
      }
      let stamps = Stamps(path, journal)
      // One that was lost is made anew first.
      guard stamps.registry.exists, stamps.bytes > Self.smallSize else {
        var content = try read(&state)
        // A registry that was made anew from the states has it.
        let isThere = content.entries[checkpoint.pipelineID]?.contains {
          $0.stateFile == checkpoint.stateFile
        }
        if isThere != true { content.add(entry, to: checkpoint.pipelineID) }
        try fold(content, &state)
        return
      }
      try append(RegistryJournal.saved(entry, of: checkpoint.pipelineID), &state)
      if stamps.journal.size > stamps.registry.size { try fold(try read(&state), &state) }
    }
  }

  /// The checkpoints that the registry and its journal have.
  public func checkpoints(_ filter: CheckpointFilter) async throws -> [StageCheckpoint] {
    try await onWorker { try self.found(filter) }
  }

  func found(_ filter: CheckpointFilter) throws -> [StageCheckpoint] {
    // Looking makes no folder.
    guard DurableFile.isFolder(folder.path) else { return [] }
    let content = try locked { try read(&$0) }
    let all = filter.pipelineID.map { [$0] } ?? content.executions
    var executions = all
    // An id begins with that of its execution, unless a program has made it otherwise.
    if let id = filter.id { executions = all.filter { id.hasPrefix($0 + "_") } }
    var found = try matches(filter, among: executions, in: content)
    if found.isEmpty, executions.count < all.count {
      executions = all
      found = try matches(filter, among: all, in: content)
    }
    found.reverse()
    // Within an execution the order of the entries counts, whatever the clock said.
    if executions.count > 1 { found = found.interleavedByTime() }
    return filter.limit.map { Array(found.prefix($0)) } ?? found
  }

  /// The checkpoints of some executions that satisfy a filter, oldest first in each.
  private func matches(
    _ filter: CheckpointFilter, among executions: [String], in content: RegistryContent
  ) throws -> [StageCheckpoint] {
    var found: [StageCheckpoint] = []
    for execution in executions {
      for entry in content.entries[execution] ?? [] {
        if let limit = filter.savedBefore, let time = entry.timestamp, time >= limit { continue }
        if let id = filter.id, !entry.mayHave(id: id) { continue }
        let checkpoint: StageCheckpoint
        do {
          checkpoint = try entry.checkpoint(of: execution)
        } catch {
          throw CheckpointError.registry(path, detail: "an entry of \(execution): \(error)")
        }
        if filter.accepts(checkpoint) { found.append(checkpoint) }
      }
    }
    return found
  }

  /// Writes the registry anew without them, or lines into its journal.
  public func remove(_ checkpoints: [StageCheckpoint]) async throws {
    guard !checkpoints.isEmpty, DurableFile.isFolder(folder.path) else { return }
    try await onWorker {
      try self.locked { state in
        var content = try self.read(&state)
        for checkpoint in checkpoints {
          content.remove(
            stateFile: checkpoint.stateFile, id: checkpoint.id, from: checkpoint.pipelineID)
        }
        let stamps = Stamps(self.path, self.journal)
        let isFew = checkpoints.count * 16 < content.count
        guard stamps.bytes > Self.smallSize, isFew,
          checkpoints.allSatisfy({ !$0.stateFile.isEmpty })
        else { return try self.fold(content, &state) }
        let lines = checkpoints.flatMap {
          RegistryJournal.deleted(stateFile: $0.stateFile, of: $0.pipelineID)
        }
        try self.append(lines, &state)
      }
    }
  }

  /// Folds the journal into the registry when it is worth it, so that readers of
  /// `checkpoint_metadata.json` find what is there: always while it is small, later when the journal
  /// has a quarter of the registry's length.
  func foldIfDue() async throws {
    guard DurableFile.isFolder(folder.path) else { return }
    try await onWorker {
      try self.locked { state in
        let stamps = Stamps(self.path, self.journal)
        guard stamps.journal.size > 0 else { return }
        if stamps.registry.size < 1 << 20 || stamps.journal.size * 4 > stamps.registry.size {
          try self.fold(try self.read(&state), &state)
        }
      }
    }
  }

  /// Whether going through all of it takes noticeably long.
  var isLarge: Bool { Stamps(path, journal).bytes > 1 << 20 }

  // MARK: Files

  /// Does something while neither another thread nor another process reads or writes the registry.
  private func locked<Value>(_ body: (inout State) throws -> Value) throws -> Value {
    try state.withLock { state in
      if state.lockDescriptor < 0 {
        try folder.prepare()
        let path = folder.path(of: Self.lockName)
        state.lockDescriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if state.lockDescriptor < 0 { throw FileError("create", path) }
      }
      while flock(state.lockDescriptor, LOCK_EX) != 0 {
        if errno != EINTR { throw FileError("lock", folder.path(of: Self.lockName)) }
      }
      defer { flock(state.lockDescriptor, LOCK_UN) }
      return try body(&state)
    }
  }

  /// The registry and what its journal adds.
  private func read(_ state: inout State) throws -> RegistryContent {
    let stamps = Stamps(path, journal)
    if let known = state.known, known.stamps == stamps { return known.content }
    var content: RegistryContent
    if let text = try WholeFile.read(path, limit: 1 << 31) {
      do {
        content = try RegistryContent(text: text)
      } catch {
        try DurableFile.rename(path, to: path + ".damaged")
        content = try rebuilt()
      }
    } else {
      content = try rebuilt()
    }
    if let text = try WholeFile.read(journal, limit: 1 << 31) {
      RegistryJournal.apply(text, to: &content)
    }
    state.known = (content, stamps)
    return content
  }

  /// What the checkpoints say of themselves.
  private func rebuilt() throws -> RegistryContent {
    var content = RegistryContent(
      createdAt: CheckpointName.timestamp(ofNanoseconds: environment.now()))
    let found = ChunkFiles.names(folder.path).filter { $0.hasSuffix("_state.json") }
      .compactMap { name -> StageCheckpoint? in
        guard let bytes = try? WholeFile.read(folder.path(of: name), limit: 1 << 28),
          let checkpoint = try? JSONContent.decode(StageCheckpoint.self, from: bytes),
          checkpoint.stateFile == name, checkpoint.dataFile.map(folder.exists) ?? true
        else { return nil }
        return checkpoint
      }
    for checkpoint in found.sorted(by: { $0.timestamp < $1.timestamp }) {
      content.add(
        RegistryContent.Entry(CheckpointText.line(checkpoint)), to: checkpoint.pipelineID)
    }
    return content
  }

  /// Writes the registry anew, the journal's content included, and empties the journal.
  private func fold(_ content: RegistryContent, _ state: inout State) throws {
    let time = CheckpointName.timestamp(ofNanoseconds: environment.now())
    state.known = nil
    try replace(path, by: content.text(updatedAt: time), in: folder.path)
    // Until then its lines count twice, which adds nothing.
    if let size = DurableFile.size(journal), size > 0, truncate(journal, 0) != 0 {
      throw FileError("empty", journal)
    }
    state.known = (content, Stamps(path, journal))
  }

  /// Appends lines to the journal.
  private func append(_ lines: [UInt8], _ state: inout State) throws {
    state.known = nil
    let length = DurableFile.size(journal) ?? 0
    let descriptor = open(journal, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0 { throw FileError("open", journal) }
    defer { close(descriptor) }
    var text = lines
    // A line that a crash has torn off ends here.
    var last: UInt8 = UInt8(ascii: "\n")
    if length > 0 { pread(descriptor, &last, 1, off_t(length - 1)) }
    if last != UInt8(ascii: "\n") { text.insert(UInt8(ascii: "\n"), at: 0) }
    do {
      try text.withUnsafeBytes { try DurableFile.write($0, to: descriptor, path: journal) }
      if folder.durability == .synced {
        try DurableFile.sync(descriptor, path: journal)
        // With it the names of the files that the lines are about.
        try DurableFile.syncFolder(folder.path)
      }
    } catch {
      // A full disk leaves a part of the line, which the next one would be glued to.
      ftruncate(descriptor, off_t(length))
      throw error
    }
  }

  /// Replaces a file atomically.
  private func replace(_ path: String, by bytes: [UInt8], in parent: String) throws {
    var cost = CheckpointCost()
    let aside = try folder.write(bytes, &cost)
    do {
      try DurableFile.rename(aside, to: path)
    } catch {
      try? DurableFile.delete(aside)
      throw error
    }
    if folder.durability == .synced { try DurableFile.syncFolder(parent) }
  }
}

/// By which it is noticed that the registry's files have changed.
private struct Stamps: Equatable {
  struct Stamp: Equatable {
    var exists = false
    var inode: UInt64 = 0
    var size: Int64 = 0
    var time: Int64 = 0

    init(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return }
      exists = true
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      time = DurableFile.modificationTime(path)
    }
  }

  var registry: Stamp
  var journal: Stamp

  init(_ registry: String, _ journal: String) {
    self.registry = Stamp(registry)
    self.journal = Stamp(journal)
  }

  var bytes: Int64 { registry.size + journal.size }
}

extension RegistryContent.Entry {
  /// Whether it may be the checkpoint of an id; certain only when it says no.
  fileprivate func mayHave(id: String) -> Bool {
    let wanted = JSONContent.quoted(id)
    return text.withUnsafeBytes { text in
      wanted.withUnsafeBytes { wanted in
        guard let start = text.baseAddress, let other = wanted.baseAddress else { return false }
        // One that has something escaped may be written in another way.
        if memchr(start, Int32(UInt8(ascii: "\\")), text.count) != nil { return true }
        var place = 0
        while place + wanted.count <= text.count {
          if memcmp(start + place, other, wanted.count) == 0 { return true }
          place += 1
        }
        return false
      }
    }
  }
}

extension [StageCheckpoint] {
  /// Newest first over several executions, each of which is in order already.
  fileprivate func interleavedByTime() -> [StageCheckpoint] {
    enumerated().sorted {
      ($0.element.timestamp, $1.offset) > ($1.element.timestamp, $0.offset)
    }.map(\.element)
  }
}
