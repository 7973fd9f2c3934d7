import Cairn
import Testing

@Suite struct CompletedRangesTests {
  /// Inserts ranges in every order and compares with a set of positions.
  @Test func `ranges are what a set of positions would be`() {
    var random = SplitMix(state: 7)
    for _ in 0..<300 {
      var ranges = CompletedRanges()
      var positions = Set<Int>()
      for _ in 0..<random.below(12) {
        let start = random.below(40)
        let range = start..<(start + random.below(8))
        ranges.insert(range)
        positions.formUnion(range)
      }
      #expect(ranges.count == positions.count)
      #expect(ranges.end == positions.max().map { $0 + 1 })
      #expect(ranges.unbroken == (0...).first { !positions.contains($0) })
      for (one, next) in zip(ranges.ranges, ranges.ranges.dropFirst()) {
        #expect(one.upperBound < next.lowerBound)
      }
      #expect(CompletedRanges(ranges.description) == ranges)
      let size = random.below(6) + 1
      let total = random.below(50)
      let pieces = ranges.remaining(of: total, inPiecesOf: size)
      #expect(pieces.allSatisfy { !$0.isEmpty && $0.count <= size })
      #expect(
        pieces.flatMap { Array($0) } == (0..<total).filter { !positions.contains($0) })
    }
  }

  @Test(arguments: [
    "0", "1-0", "0-3,2-5", "5-6,0-1", "a-b", "0-1,", "-1-2", "0-9223372036854775807",
  ])
  func `text that is none is refused`(_ text: String) {
    #expect(CompletedRanges(text) == nil)
  }

  @Test func `contains all of a range`() throws {
    let ranges = try #require(CompletedRanges("0-4,7-9"))
    #expect(ranges.contains(0..<5))
    #expect(ranges.contains(8..<9))
    #expect(!ranges.contains(0..<6))
    #expect(!ranges.contains(4..<8))
    #expect(ranges.contains(6..<6))
  }
}

private struct SplitMix {
  var state: UInt64

  mutating func below(_ limit: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(limit))
  }
}
