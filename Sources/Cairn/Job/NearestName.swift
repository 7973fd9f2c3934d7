/// Finds the name that somebody who wrote another one most likely meant.
enum NearestName {
  /// The candidate with the fewest edits to `name`, if they are few enough for a slip of the pen.
  static func of(_ name: String, among candidates: [String]) -> String? {
    let folded = fold(name)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = edits(from: folded, to: fold(candidate))
      if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(1, folded.count / 3) else { return nil }
    return best.name
  }

  /// `; did you mean 'x'?`, or the list of candidates when none is near.
  static func hint(for name: String, among candidates: [String]) -> String {
    if let nearest = of(name, among: candidates) { return "; did you mean '\(nearest)'?" }
    guard !candidates.isEmpty else { return "" }
    let shown = candidates.prefix(30).joined(separator: ", ")
    return "; there are \(shown)" + (candidates.count > 30 ? ", …" : "")
  }

  private static func fold(_ name: String) -> [UInt8] {
    name.lowercased().utf8.map { $0 == 0x2D || $0 == 0x20 ? 0x5F : $0 }
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  private static func edits(from left: [UInt8], to right: [UInt8]) -> Int {
    guard left.count <= 200, right.count <= 200 else { return .max }
    var older = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for row in 0..<left.count {
      var current = [row + 1]
      for column in 0..<right.count {
        var edits = min(
          previous[column] + (left[row] == right[column] ? 0 : 1), previous[column + 1] + 1,
          current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          edits = min(edits, older[column - 1] + 1)
        }
        current.append(edits)
      }
      older = previous
      previous = current
    }
    return previous[right.count]
  }
}
