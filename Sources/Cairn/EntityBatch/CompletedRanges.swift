/// Which positions of a list of entities are done: with several batches at once there are gaps.
///
/// A value; its text, like `0-149,200-249`, is what the sink keeps.
public struct CompletedRanges: Sendable, Hashable, CustomStringConvertible {
  /// Ascending, not empty, and neither overlapping nor touching.
  public private(set) var ranges: [Range<Int>] = []

  /// Nothing is done.
  public init() {}

  /// Reads a text that ``description`` wrote; nil when it is none.
  public init?(_ text: some StringProtocol) {
    guard !text.isEmpty else { return }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1], first >= (end ?? -1) + 1,
        last >= first, last < .max
      else { return nil }
      ranges.append(first..<(last + 1))
    }
  }

  /// How many positions are done.
  public var count: Int { ranges.reduce(0) { $0 + $1.count } }

  /// The end of the last range, or nil when nothing is done.
  public var end: Int? { ranges.last?.upperBound }

  /// How many positions are done without a gap from the first on.
  public var unbroken: Int {
    guard let first = ranges.first, first.lowerBound == 0 else { return 0 }
    return first.upperBound
  }

  /// Notes positions as done.
  public mutating func insert(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let before = ranges.prefix { $0.upperBound < range.lowerBound }
    let touching = ranges[before.endIndex...].prefix { $0.lowerBound <= range.upperBound }
    let merged =
      min(
        touching.first?.lowerBound ?? range.lowerBound, range.lowerBound)..<max(
        touching.last?.upperBound ?? range.upperBound, range.upperBound)
    ranges.replaceSubrange(before.endIndex..<touching.endIndex, with: [merged])
  }

  /// Whether all of a range is done.
  public func contains(_ range: Range<Int>) -> Bool {
    range.isEmpty
      || ranges.contains {
        $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound
      }
  }

  /// What is not done of the first `total` positions, in pieces of at most `size`.
  public func remaining(of total: Int, inPiecesOf size: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var start = 0
    for range in ranges + [total..<total] {
      while start < min(range.lowerBound, total) {
        let end = min(start + max(size, 1), range.lowerBound, total)
        pieces.append(start..<end)
        start = end
      }
      start = max(start, range.upperBound)
    }
    return pieces
  }

  /// `0-149,200-249`: first and last position of each range.
  public var description: String {
    ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ",")
  }
}
