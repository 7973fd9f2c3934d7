internal import Cairn

/// Runs: begin, list, abandon.
enum RunChecks {
  static let all = [
    SinkCheck("a sink without state has no runs, ledger or rejects") { place in
      let sink = try await place.makeSink()
      let run = try Scripted.newRun(1, Scripted.target())
      try expect("runs", try await sink.runs(RunFilter()), is: [])
      try expect("ledger", try await sink.ledger(of: run.syncID), is: [])
      try expect(
        "rejects", try await sink.rejects(of: run.syncID, offset: 0, limit: 10), is: [])
    },

    SinkCheck("state can be prepared again and again, also at once") { place in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { try await place.makeSink().prepareState() }
        }
        try await group.waitForAll()
      }
      try expect("runs", try await place.makeSink().runs(RunFilter()), is: [])
    },

    SinkCheck("a run is listed with all that was known when it began") { place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(1, target, [], on: sink)
      let new = try Scripted.newRun(1, target, witness: run.record.new.witness)
      try expect("what was recorded", run.record.new, is: new)
      try expect("status", run.record.status, is: .converting)
      try expect("attempt", run.record.attempt, is: 1)
      try expect("fence", run.lease.fence, is: 1)
      try expect("holder", run.record.holder?.owner, is: Scripted.owner)
      try expect("end", run.record.end, is: nil)
      let listed = try await place.makeSink().runs(RunFilter())
      try expect("runs seen by another process", listed, is: [run.record])
    },

    SinkCheck("of many that begin the same run at once one begins it") { place in
      let target = Scripted.target()
      let sink = try await place.makeSink()
      try await sink.prepareState()
      _ = try await sink.prepareTarget(target)
      let outcomes = try await withThrowingTaskGroup(of: BeginOutcome.self) { group in
        for number in 1...6 {
          group.addTask {
            let run = try Scripted.newRun(number, target, fingerprint: "same")
            return try await place.makeSink().begin(
              run, owner: Scripted.owner, leaseDuration: .seconds(60))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      var began: [SyncID] = []
      var existing: [SyncID] = []
      for outcome in outcomes {
        switch outcome {
        case .began(let record, _): began.append(record.syncID)
        case .exists(let record): existing.append(record.syncID)
        }
      }
      try expect("how many began", began.count, is: 1)
      try expect("what the others found", Set(existing), is: Set(began))
      try expect("runs", try await sink.runs(RunFilter()).map(\.syncID), is: began)
    },

    SinkCheck("another table, fingerprint or job makes another run, and later ones are higher") {
      place in
      let sink = try await place.makeSink()
      try await sink.prepareState()
      let table = Scripted.target()
      let otherTable = Scripted.target(name: "other")
      let news = [
        try Scripted.newRun(1, table, fingerprint: "f", jobDigest: "j"),
        try Scripted.newRun(2, otherTable, fingerprint: "f", jobDigest: "j"),
        try Scripted.newRun(3, table, fingerprint: "g", jobDigest: "j"),
        try Scripted.newRun(4, table, fingerprint: "f", jobDigest: "k"),
      ]
      var sequences: [Int64] = []
      for new in news {
        let outcome = try await sink.begin(
          new, owner: Scripted.owner, leaseDuration: .seconds(60))
        guard case .began(let record, _) = outcome else {
          throw BatteryFailure("run \(new.syncID)", expected: "began", found: "\(outcome)")
        }
        sequences.append(record.sequence)
      }
      try expect("sequence numbers", sequences, is: Array(Set(sequences)).sorted())
      let runs = try await sink.runs(RunFilter())
      try expect("newest first", runs.map(\.syncID), is: news.reversed().map(\.syncID))
      try expect(
        "runs into the other table",
        try await sink.runs(RunFilter(table: "other")).map(\.syncID), is: [news[1].syncID])
      try expect(
        "runs of the fingerprint", try await sink.runs(RunFilter(fingerprint: "g")).count, is: 1)
      try expect(
        "run of the id", try await sink.runs(RunFilter(syncID: news[2].syncID)).map(\.syncID),
        is: [news[2].syncID])
      try expect(
        "the newest two", try await sink.runs(RunFilter(limit: 2)).map(\.syncID),
        is: [news[3].syncID, news[2].syncID])
    },

    SinkCheck("an update changes status, phase and error") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink)
      try await sink.update(
        RunUpdate(status: .failed, phase: "processing", error: "the disk is on fire"),
        under: run.lease)
      var found = try await sink.runs(RunFilter(unfinishedOnly: true)).first
      try expect("status", found?.status, is: .failed)
      try expect("phase", found?.phase, is: "processing")
      try expect("error", found?.error, is: "the disk is on fire")
      try await sink.update(
        RunUpdate(status: .processing, phase: "processing"), under: run.lease)
      found = try await sink.runs(RunFilter()).first
      try expect("error afterwards", found?.error, is: nil)
    },

    SinkCheck("an abandoned run makes room for the same source and takes no more commits") {
      place in
      let sink = try await place.makeSink()
      let target = Scripted.target()
      let run = try await Scripted.begin(
        1, target, [[Scripted.row("a", 1)], [Scripted.row("b", 1)]], on: sink)
      try await run.commit(0, to: sink)
      let staged = try await sink.stage(try run.work(1))
      try await sink.abandon(run.record.syncID, owner: Scripted.owner)
      try await sink.abandon(run.record.syncID, owner: Scripted.owner)
      try await expectRefusal("a commit of an abandoned run", "fenced") {
        _ = try await staged.commit(under: run.lease, rejectAllowance: .max)
      } _: {
        $0.isFenced
      }
      try await expectRefusal("the lease of an abandoned run", "an error") {
        _ = try await sink.acquireLease(
          of: run.record.syncID, owner: Scripted.owner, duration: .seconds(60), takeOver: true)
      } _: { _ in
        true
      }
      try expect("runs", try await sink.runs(RunFilter()), is: [])
      let all = try await sink.runs(RunFilter(includesAbandoned: true))
      try expect("abandoned runs", all.map(\.syncID), is: [run.record.syncID])
      guard all[0].abandonedAt != nil else {
        throw BatteryFailure("abandonedAt", expected: "a time", found: "nil")
      }
      let again = try await sink.begin(
        try Scripted.newRun(2, target, fingerprint: "fingerprint-1"), owner: Scripted.owner,
        leaseDuration: .seconds(60))
      guard case .began = again else {
        throw BatteryFailure("the same source again", expected: "began", found: "\(again)")
      }
      try await Scripted.expectRows(target, [Scripted.cells("a", 1)], at: place)
    },

    SinkCheck("a run is not abandoned while somebody else's lease is alive") { place in
      let sink = try await place.makeSink()
      let run = try await Scripted.begin(1, Scripted.target(), [], on: sink)
      try await expectRefusal("abandoning another's run", "fenced") {
        try await sink.abandon(run.record.syncID, owner: Scripted.otherOwner)
      } _: {
        $0.isFenced
      }
      try await sink.release(run.lease)
      try await sink.abandon(run.record.syncID, owner: Scripted.otherOwner)
      try expect("runs", try await sink.runs(RunFilter()), is: [])
    },
  ]
}
