/// When a log file gives way to a new one, and what it is called then. Pure.
enum LogRotation: Sendable, Hashable {
  /// Every day, UTC: `events.log` becomes `events.log.2025-10-06`.
  case daily
  /// Before it grows over so many bytes: `pipeline.log` becomes `pipeline.log.1`, that becomes
  /// `pipeline.log.2`, and so on; so many are kept.
  case size(Int64, keep: Int)

  /// Whether a file must give way before more is written.
  ///
  /// - Parameters:
  ///   - size: Its size in bytes.
  ///   - adding: How many bytes are to be added.
  ///   - firstDay: The day of its first line, counted from 1970-01-01, if that can be told.
  ///   - day: The day of what is to be added. A clock that goes back rotates nothing.
  func isDue(size: Int64, adding: Int, firstDay: Int32?, day: Int32) -> Bool {
    guard size > 0 else { return false }
    switch self {
    case .daily: return firstDay.map { $0 < day } ?? false
    case .size(let limit, _): return size + Int64(adding) > limit
    }
  }

  /// The renames that make room for a new file, in order.
  ///
  /// A gap that a killed process left among the numbers is filled, so that nothing is pushed out
  /// without need.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - firstDay: The day of its first line.
  ///   - exists: Whether there is a file of that path.
  func renames(
    of path: String, firstDay: Int32?, exists: (String) -> Bool
  ) -> [(from: String, to: String)] {
    switch self {
    case .daily:
      guard let firstDay else { return [] }
      let dated = "\(path).\(EventTime.dayText(firstDay))"
      var target = dated
      var number = 1
      while exists(target) {
        target = "\(dated).\(number)"
        number += 1
      }
      return [(path, target)]
    case .size(_, let keep):
      guard keep > 0 else { return [] }
      let free = (1...keep).first { !exists("\(path).\($0)") } ?? keep
      var renames: [(String, String)] = []
      for number in stride(from: free, to: 1, by: -1) {
        renames.append(("\(path).\(number - 1)", "\(path).\(number)"))
      }
      return renames + [(path, "\(path).1")]
    }
  }

  /// Whether a name in the file's folder is that of an older file which gave way to it.
  static func isOlder(_ name: String, of current: String) -> Bool {
    guard name.hasPrefix(current + ".") else { return false }
    let suffix = name.dropFirst(current.count + 1)
    let parts = suffix.split(separator: ".", omittingEmptySubsequences: false)
    func isNumber(_ text: Substring) -> Bool {
      !text.isEmpty && text.utf8.allSatisfy { $0.digitValue < 10 }
    }
    switch parts.count {
    case 1: return isNumber(parts[0]) || LocalDate(String(parts[0])) != nil
    case 2: return LocalDate(String(parts[0])) != nil && isNumber(parts[1])
    default: return false
    }
  }
}
