#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What lies in a run's folder.
enum ChunkFiles {
  /// Numbers of the chunk files in a folder, ascending; none when there is no folder.
  static func list(_ folder: String) -> [Int] {
    names(folder).compactMap(ChunkFileName.chunk(of:)).sorted()
  }

  /// Names in a folder; none when there is no folder.
  static func names(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  /// Deletes what Cairn put into a run's folder, and the folder unless something else is in it.
  /// May be killed anywhere and called again: the manifest goes last.
  static func remove(_ folder: String, faults: FaultPoints) throws(FileError) {
    faults.reach(.cleanupBefore)
    let names = names(folder).filter(isOurs)
    var half = names.count / 2
    for name in names where name != ManifestStore.fileName {
      try DurableFile.delete(FilePaths.join(folder, name))
      half -= 1
      if half == 0 { faults.reach(.cleanupHalf) }
    }
    try DurableFile.delete(FilePaths.join(folder, ManifestStore.fileName))
    DurableFile.removeEmptyFolder(folder)
    faults.reach(.cleanupAfter)
  }

  private static func isOurs(_ name: String) -> Bool {
    if name.hasPrefix(ManifestStore.fileName) || name == FolderLock.fileName { return true }
    return name.hasPrefix("chunk_")
      && (name.hasSuffix(".parquet") || name.hasSuffix(".tmp") || name.hasSuffix(".damaged"))
  }
}
