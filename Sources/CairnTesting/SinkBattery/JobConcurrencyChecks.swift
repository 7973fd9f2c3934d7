internal import Cairn

/// Several at once: owners of a job, and jobs that write into the same tables.
enum JobConcurrencyChecks {
  private typealias Records = ScriptedRecords

  static let all = [
    SinkCheck("a page is in before its job is taken over, or not at all") { place in
      var attempt = try await JobAttempt.begin(at: place)
      var pages: Set<Int64> = []
      for round in 1...6 {
        let former = attempt
        let writing = Task {
          var attempt = former
          var committed: Set<Int64> = []
          for number in 1...20 {
            let pull = Int64(round * 100 + number)
            do {
              try await attempt.commit(Records.rows(Records.pulls, [Records.pull(pull)]))
            } catch let error as SinkError where error.isFenced {
              return committed
            } catch SinkError.transient {
              // Its connection was ended amid the commit: the successor knows whether it was in time.
              return committed.union([-pull])
            }
            committed.insert(pull)
          }
          return committed
        }
        try await Task.sleep(for: .milliseconds(round * 7))
        attempt = try await JobAttempt.acquire(
          run: nil, on: JobAttempt.sink(place),
          owner: LeaseOwner(host: "elsewhere", pid: Int32(round), processStart: "then"),
          takeOver: true)
        let found = attempt.generation
        pages.formUnion(try await writing.value)
        let rows = try await place.probe.rows(of: Records.target(Records.pulls))
        try expect("pages of the generation in round \(round)", rows.count, is: found)
        for row in rows {
          guard case .integer(let number) = row[1] else { continue }
          guard pages.contains(number) || pages.contains(-number) else {
            throw BatteryFailure("a row", expected: "one of \(pages)", found: "\(number)")
          }
        }
        let certain = pages.filter { $0 > 0 }
        let there = Set(
          rows.compactMap { row in if case .integer(let it) = row[1] { it } else { nil } })
        try expect("pages that were acknowledged and are gone", certain.subtracting(there), is: [])
        try await attempt.commit(
          Records.rows(Records.pulls, [Records.pull(Int64(round * 100 + 99))]))
        pages.insert(Int64(round * 100 + 99))
      }
    },

    SinkCheck("pages of several jobs into the same tables follow each other") { place in
      let names = ["one", "two", "three"]
      var attempts: [JobAttempt] = []
      for (number, name) in names.enumerated() {
        attempts.append(
          try await JobAttempt.begin(number + 1, at: place, job: JobAttempt.new(name)))
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, attempt) in attempts.enumerated() {
          group.addTask {
            var attempt = attempt
            for page in 1...12 {
              let version = Int64(page * 3 + number)
              let pulls = try Records.rows(
                Records.pulls,
                (1...4).map { Records.pull($0, "\(version)", at: version) })
              let comments = try Records.rows(
                Records.comments, [Records.comment(Int64(100 * number + page), "r")])
              _ = try await attempt.commit(
                JobWork(
                  rows: number == 0 ? [pulls, comments] : [comments, pulls],
                  sweeps: [Records.sweep(after: 4, through: nil, present: [])]))
            }
          }
        }
        try await group.waitForAll()
      }
      try await Records.expectRows(
        Records.pulls, (1...4).map { Records.pull($0, "38", at: 38) }, at: place)
      let comments = try await place.probe.rows(of: Records.target(Records.comments))
      try expect("comments", comments.count, is: 36)
      let jobs = try await attempts[0].sink.jobs(named: names)
      try expect("generations", jobs.map(\.generation), is: [12, 12, 12])
    },
  ]
}
