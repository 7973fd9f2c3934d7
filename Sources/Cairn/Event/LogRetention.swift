/// Deletes log files past their retention.
enum LogRetention {
  /// Deletes older files, and stage logs, to which nothing was written for the retention; never
  /// `pipeline.log`, `events.log` and `errors.log` themselves, nor a log that somebody else made.
  ///
  /// What cannot be deleted is left to the next time.
  ///
  /// - Returns: How many files.
  static func cleanUp(_ files: LogFiles, now: Int64) -> Int {
    var deleted = 0
    for path in expired(files, now: now) {
      // Whatever keeps it there will be looked at by whoever misses the space.
      if (try? DurableFile.delete(path)) != nil { deleted += 1 }
    }
    return deleted
  }

  private static func expired(_ files: LogFiles, now: Int64) -> [String] {
    var found: [String] = []
    func look(_ folder: String, _ isDeletable: (String) -> Bool) {
      for name in ChunkFiles.names(folder) where isDeletable(name) {
        let path = FilePaths.join(folder, name)
        guard DurableFile.size(path) != nil else { continue }
        let age = Double(now - DurableFile.modificationTime(path)) * 1e-9
        if age > files.retention.inSeconds { found.append(path) }
      }
    }
    for current in [files.pipelineLog, files.eventLog, files.errorLog] {
      look(FilePaths.parent(of: current)) {
        LogRotation.isOlder($0, of: FilePaths.name(of: current))
      }
    }
    if let folder = files.stageFolder, let ours = try? StageLogList(folder: folder).names() {
      look(folder) { name in
        if ours.contains(name) { return true }
        guard let end = name.range(of: ".log.", options: .backwards) else { return false }
        let current = name[..<end.lowerBound] + ".log"
        return ours.contains(String(current)) && LogRotation.isOlder(name, of: String(current))
      }
    }
    return found
  }
}
