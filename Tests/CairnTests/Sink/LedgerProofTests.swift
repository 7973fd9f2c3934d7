import Testing

@testable import Cairn

@Suite("The ledger proves that a run is complete")
struct LedgerProofTests {
  /// Entries of chunks with so many rows each, and where the source ends.
  private func ledger(_ rows: [Int]) -> ([LedgerEntry], SourceEnd) {
    // The header: line 1, eight bytes.
    var position = SourcePosition.start
    var entries: [LedgerEntry] = []
    for count in rows {
      var start = position
      if start.chunk == 0 { start.line = 2 }
      var end = start
      end.chunk += 1
      end.row += UInt64(count)
      end.offset += UInt64(count) * 10 + (start.chunk == 0 ? 8 : 0)
      end.line += UInt64(count)
      var counts = RowCounts()
      counts.rows = count
      counts.inserted = count
      entries.append(
        LedgerEntry(
          source: RecordedExtent(
            extent: ChunkExtent(start: start, end: end), contentDigest: "d"),
          counts: counts, fence: 1, committedAt: "now"))
      position = end
    }
    return (entries, SourceEnd(position: position))
  }

  @Test func `whole ledgers are complete`() {
    for rows in [[3], [3, 4], [0, 5, 0], []] {
      let (entries, end) = ledger(rows)
      #expect(LedgerProof.gap(in: entries, end: end) == nil, "\(rows)")
    }
  }

  @Test func `no end mark, no proof`() {
    #expect(LedgerProof.gap(in: ledger([3]).0, end: nil) != nil)
    #expect(LedgerProof.gap(in: [], end: nil) != nil)
  }

  @Test func `any chunk left out is missed`() throws {
    let (entries, end) = ledger([3, 4, 5, 6])
    for left in entries.indices {
      var some = entries
      some.remove(at: left)
      let gap = try #require(LedgerProof.gap(in: some, end: end))
      #expect(gap.contains("chunk \(left) of 4"))
      #expect(LedgerProof.inconsistency(in: some) == nil)
    }
    #expect(LedgerProof.gap(in: [], end: end) != nil)
  }

  @Test func `any number that is off by one is noticed`() {
    let changes: [(inout LedgerEntry) -> Void] = [
      { $0.counts.inserted += 1 }, { $0.counts.rejected += 1 }, { $0.counts.rows -= 1 },
      { $0.source.extent.start.offset += 1 }, { $0.source.extent.end.offset += 1 },
      { $0.source.extent.start.row += 1 }, { $0.source.extent.end.row += 1 },
      { $0.source.extent.end.line += 1 }, { $0.source.extent.end.chunk += 1 },
      { $0.source.extent.start.chunk += 1 },
    ]
    for (number, change) in changes.enumerated() {
      for position in 0..<3 {
        var (entries, end) = ledger([3, 4, 5])
        change(&entries[position])
        #expect(LedgerProof.gap(in: entries, end: end) != nil, "change \(number) of \(position)")
        end.position.offset += 1
        #expect(LedgerProof.gap(in: ledger([3, 4, 5]).0, end: end) != nil)
      }
    }
  }

  @Test func `more chunks than the source has are noticed`() {
    let (entries, _) = ledger([3, 4, 5])
    let (_, end) = ledger([3, 4])
    #expect(LedgerProof.gap(in: entries, end: end) != nil)
    var empty = end
    empty.position.chunk = 0
    empty.position.row = 0
    #expect(LedgerProof.gap(in: entries, end: empty) != nil)
  }

  @Test func `overlapping chunks contradict each other`() {
    var (entries, _) = ledger([3, 4])
    entries[1].source.extent.start.row -= 1
    entries[1].counts.rows += 1
    entries[1].counts.inserted += 1
    #expect(LedgerProof.inconsistency(in: entries) != nil)
  }
}
