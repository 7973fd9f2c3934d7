/// What a checkpoint is about.
struct CheckpointLabel: Sendable {
  var pipelineID: String
  var stage: String
  var version = 1
  var metadata: [String: CheckpointValue] = [:]
  var inputDigest: String?
  var after: [StageCheckpoint.Predecessor] = []
  var isSequential = true
  var runSeconds: Double?
}

/// What is to be saved.
enum SavedContent: Sendable {
  case rows(RecordBatch)
  /// What a stage's writer has written aside already.
  case batches(WrittenBatches)
  case json([UInt8])
  case none
}

/// A file of batches that has no name yet.
struct WrittenBatches: Sendable {
  /// Where it is; nil when there are no columns to keep.
  var aside: String?
  var digest: String
  var rows: Int
  var columns: Int
  var cost: CheckpointCost
}

extension StageCheckpoints {
  /// Saves: data aside, synced; data named; state named; registry; folder synced.
  ///
  /// An entry whose files a power failure has taken is damaged, as any whose files are gone; nobody was
  /// told that it was saved. The state is not synced: it is there for a registry that is lost.
  func save(
    _ content: SavedContent, as label: CheckpointLabel, under lease: PipelineLease?
  ) async throws -> StageCheckpoint {
    for name in [label.pipelineID, label.stage] where name.isEmpty || name.utf8.count > 1_000 {
      throw CheckpointError.invalidName(
        String(name.prefix(40)), detail: "it has 1 to 1,000 bytes, this has \(name.utf8.count)")
    }
    let write = CheckpointWrite(
      folder: folder, faults: faults, compression: compression, label: label,
      now: environment.now())
    guard let own = registry as? FolderRegistry else {
      let checkpoint = try await onWorker { try write.run(content, syncsFolder: true) }
      try await registry.record(checkpoint, under: lease)
      faults.reach(.stageRecorded)
      return checkpoint
    }
    // Files and registry on one thread; the registry syncs the folder that they are in.
    return try await onWorker {
      let checkpoint = try write.run(content, syncsFolder: false)
      try own.recorded(checkpoint, under: lease)
      write.faults.reach(.stageRecorded)
      return checkpoint
    }
  }
}

/// Writes the files of a checkpoint.
private struct CheckpointWrite: Sendable {
  let folder: StageFolder
  let faults: FaultPoints
  let compression: CheckpointCompression
  let label: CheckpointLabel
  let now: Int64

  func run(_ content: SavedContent, syncsFolder: Bool) throws -> StageCheckpoint {
    try folder.prepare()
    var cost = CheckpointCost()
    var checkpoint = StageCheckpoint(
      id: "", pipelineID: label.pipelineID, stage: label.stage, version: label.version,
      kind: .none, dataFile: nil, stateFile: "", dataHash: JSONContent.digest(of: []),
      metadata: label.metadata, timestamp: CheckpointName.timestamp(ofNanoseconds: now),
      inputDigest: label.inputDigest, after: label.after, isSequential: label.isSequential,
      runSeconds: label.runSeconds)
    var aside: String?
    var end = ""
    switch content {
    case .rows(let batch):
      (aside, checkpoint.dataHash) = try folder.write(batch, compression: compression, &cost)
      checkpoint.kind = .rows
      checkpoint.shape = [batch.rowCount, batch.columns.count]
      end = ".parquet"
    case .batches(let written):
      aside = written.aside
      checkpoint.dataHash = written.digest
      checkpoint.kind = .batches
      checkpoint.shape = [written.rows, written.columns]
      cost = written.cost
      end = ".parquet"
    case .json(let bytes):
      checkpoint.dataHash = cost.spend(on: \.digesting) { JSONContent.digest(of: bytes) }
      aside = try folder.write(bytes, &cost)
      cost.bytes = Int64(bytes.count)
      checkpoint.kind = .json
      end = ".json"
    case .none:
      // What it has done nobody can compare: each time counts as something else.
      var random = SystemRandomNumberGenerator()
      checkpoint.dataHash = JSONContent.digest(
        of: Array("no value: version \(label.version), \(now), \(random.next() as UInt64)".utf8))
    }
    faults.reach(.stageDataWritten)
    try name(aside, end: end, &checkpoint, &cost)
    if syncsFolder { try folder.sync(&cost) }
    faults.reach(.stageFilesNamed)
    checkpoint.cost = cost
    return checkpoint
  }

  /// Gives data and state the first name of this second that neither of them has yet.
  private func name(
    _ data: String?, end: String, _ checkpoint: inout StageCheckpoint, _ cost: inout CheckpointCost
  ) throws {
    let stamp = CheckpointName.stamp(ofNanoseconds: now)
    var number = 1
    var placed: String?
    var state: String?
    do {
      while true {
        let base = CheckpointName.file(
          pipeline: label.pipelineID, stage: label.stage, stamp: stamp, number: number)
        checkpoint.id = CheckpointName.id(
          pipeline: label.pipelineID, stage: label.stage, stamp: stamp, number: number)
        checkpoint.stateFile = base + "_state.json"
        number += 1
        if let data {
          checkpoint.dataFile = base + end
          let isFree = try cost.spend(on: \.files) { try folder.place(data, as: base + end) }
          guard isFree else { continue }
          placed = base + end
          faults.reach(.stageDataNamed)
        }
        checkpoint.cost = cost
        let text = try folder.write(CheckpointText.state(checkpoint), syncs: false, &cost)
        state = text
        let isFree = try cost.spend(on: \.files) {
          try folder.place(text, as: checkpoint.stateFile)
        }
        try DurableFile.delete(text)
        state = nil
        if isFree {
          if let data { try DurableFile.delete(data) }
          return
        }
        // Another checkpoint of this second holds something else.
        if let data, let name = placed { try folder.unplace(name, to: data) }
        placed = nil
      }
    } catch {
      for aside in [data, state] { if let aside { try? DurableFile.delete(aside) } }
      if let placed { try? DurableFile.delete(folder.path(of: placed)) }
      throw error
    }
  }
}
