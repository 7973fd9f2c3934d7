internal import Cairn

/// The end of a run.
enum FinishChecks {
  private static let chunks = [[Scripted.row("a", 1)], [Scripted.row("b", 1), .rejected]]

  static let all = [
    SinkCheck("a run whose chunks are all committed is completed") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), chunks, on: sink)
      let record = try await run.complete(on: sink)
      try expect("status", record.status, is: .completed)
      try expect("end", record.end, is: run.end)
      try expect("counts", record.counts, is: Scripted.counts(rows: 3, inserted: 2, rejected: 1))
      try expect("error", record.error, is: nil)
      guard record.completedAt != nil else {
        throw BatteryFailure("completedAt", expected: "a time", found: "nil")
      }
      try expect(
        "unfinished runs", try await sink.runs(RunFilter(unfinishedOnly: true)), is: [])
      let again = try await run.finish(on: sink)
      try expect("finishing again", again, is: record)
      try await expectRefusal("an update of a completed run", "an error") {
        try await sink.update(RunUpdate(status: .failed, phase: "x"), under: run.lease)
      } _: { _ in
        true
      }
    },

    SinkCheck("a run is not completed while a chunk or the end mark is missing") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), chunks, on: sink)
      func refused(_ when: String) async throws {
        try await expectRefusal("finishing \(when)", "incomplete") {
          try await run.finish(on: sink)
        } _: {
          $0.isIncomplete
        }
      }
      try await run.commit(1, to: sink)
      try await refused("without end mark and first chunk")
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await refused("without the first chunk")
      let record = try await run.finish(on: sink, as: .partialSuccess)
      try expect("status", record.status, is: .partialSuccess)
      try await run.commit(0, to: sink)
      try expect("status afterwards", try await run.finish(on: sink).status, is: .completed)
    },

    SinkCheck("a run is not completed when only the end mark is missing") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), chunks, on: sink)
      try await run.commit(0, to: sink)
      try await run.commit(1, to: sink)
      try await expectRefusal("finishing without end mark", "incomplete") {
        try await run.finish(on: sink)
      } _: {
        $0.isIncomplete
      }
    },

    SinkCheck("a run is not completed when its last chunk is missing, or its extents gape") {
      place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(
        1, Scripted.target(), chunks + [[Scripted.row("c", 1)]], on: sink)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await run.commit(0, to: sink)
      try await run.commit(1, to: sink)
      try await expectRefusal("finishing without the last chunk", "incomplete") {
        try await run.finish(on: sink)
      } _: {
        $0.isIncomplete
      }
      // The last chunk as another source would have it: one row further on.
      var shifted = run
      shifted.chunks[1].append(.rejected)
      try await shifted.commit(2, to: sink)
      try await expectRefusal("finishing with a gap between chunks", "incomplete") {
        try await run.finish(on: sink)
      } _: {
        $0.isIncomplete
      }
    },

    SinkCheck("another end than the one that was marked is refused") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), chunks, on: sink)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      var other = run.end
      other.position.offset += 1
      let changed = other
      try await expectRefusal("another end", "a fatal error") {
        try await sink.recordEnd(changed, of: run.record.syncID, under: run.lease)
      } _: {
        $0.isFatal
      }
    },

    SinkCheck("a run over a source without rows is completed") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink)
      let record = try await run.complete(on: sink)
      try expect("status", record.status, is: .completed)
      try expect("counts", record.counts, is: RowCounts())
    },

    SinkCheck("steps may follow once the rows are in place, before the run is over") { place in
      let sink = try await place.makeSink()
      let before = try await Scripted.begin(
        1, Scripted.target(), [[Scripted.row("old", 1)]], on: sink)
      try await before.complete(on: sink)
      let run = try await Scripted.begin(2, Scripted.target(.replace), chunks, on: sink)
      try await run.commit(0, to: sink)
      try await sink.recordEnd(run.end, of: run.record.syncID, under: run.lease)
      try await expectRefusal("placing rows that are not all there", "incomplete") {
        try await run.finish(on: sink, as: .processing)
      } _: {
        $0.isIncomplete
      }
      try await run.commit(1, to: sink)
      // Twice, as after a lost answer.
      for _ in 0..<2 {
        let placed = try await run.finish(on: sink, as: .processing)
        try expect("status", placed.status, is: .processing)
        try expect("completedAt", placed.completedAt, is: nil)
      }
      let rows = [Scripted.cells("a", 1), Scripted.cells("b", 1)]
      try await Scripted.expectRows(run.target, rows, at: place)
      try expect(
        "unfinished runs",
        try await sink.runs(RunFilter(unfinishedOnly: true)).map(\.syncID),
        is: [run.record.syncID])
      try expect(
        "damage", try await sink.targetDamage(of: run.record, target: run.target), is: nil)
      // Nobody else has to wait for the steps.
      let later = try await Scripted.begin(3, Scripted.target(), [[Scripted.row("c", 1)]], on: sink)
      try await later.complete(on: sink)
      try expect("status afterwards", try await run.finish(on: sink).status, is: .completed)
      try await Scripted.expectRows(run.target, rows + [Scripted.cells("c", 1)], at: place)
    },

    SinkCheck("a completed run takes no more chunks") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), chunks, on: sink)
      try await run.complete(on: sink)
      var longer = run
      longer.chunks.append([Scripted.row("c", 1)])
      let extended = longer
      try await expectRefusal("a chunk after the end", "an error") {
        try await extended.commit(2, to: sink)
      } _: { _ in
        true
      }
      try await Scripted.expectRows(
        run.target, [Scripted.cells("a", 1), Scripted.cells("b", 1)], at: place)
    },
  ]
}
