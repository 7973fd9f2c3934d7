/// The files of a log of events.
enum EventFiles {
  static let current = "events.log"

  /// Opens the files that may have events since a moment, oldest first.
  ///
  /// The current file is opened before the others are listed: one that is rotated in between is found
  /// twice, and read once.
  static func open(_ folder: String, since: Int64?) -> [LogLines] {
    let now = LogLines(path: FilePaths.join(folder, current))
    // Events of the first minutes of a day may stand in the file of the day before, and the other way
    // round: several processes' clocks and threads are not one.
    let firstDay = since.map { EventTime.day(ofNanoseconds: $0) - 1 }
    var opened: [LogLines] = []
    let older = ChunkFiles.names(folder).filter { LogRotation.isOlder($0, of: current) }
    for name in older.sorted(by: isBefore) {
      if let firstDay, let day = day(of: name), day < firstDay { continue }
      guard let lines = LogLines(path: FilePaths.join(folder, name)),
        lines.identity != now?.identity
      else { continue }
      opened.append(lines)
    }
    return opened + (now.map { [$0] } ?? [])
  }

  private static func day(of name: String) -> Int32? {
    LocalDate(String(name.dropFirst(current.count + 1).prefix(10)))?.days
  }

  /// By day, then by number: `.2` is before `.10`.
  private static func isBefore(_ left: String, _ right: String) -> Bool {
    (left.prefix(current.count + 11), left.utf8.count, left)
      < (right.prefix(current.count + 11), right.utf8.count, right)
  }
}
