/// The list of the stage logs that the log has made in their folder: `.stage_logs`, a name a line.
///
/// The folder may be one that others write to as well, as `/var/log` is, and nothing else tells their
/// logs from ours: only what is listed is ever deleted.
struct StageLogList {
  static let fileName = ".stage_logs"
  private static let longest = 16 << 20

  let folder: String

  private var path: String { FilePaths.join(folder, Self.fileName) }

  /// The names in it; none when there is no list.
  func names() throws(FileError) -> Set<String> {
    let bytes = try WholeFile.read(path, limit: Self.longest) ?? []
    return Set(bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) })
  }

  /// Lists a log that is about to be made.
  func add(_ name: String) throws(FileError) {
    guard try !names().contains(name) else { return }
    var file = LogFile(path: path, rotation: .size(.max, keep: 0))
    file.pending = Array("\(name)\n".utf8)
    // Other logs, each with a lock of its own, may share the folder: nothing is ever cut off.
    try file.write(day: 0, isLocked: false)
  }
}
