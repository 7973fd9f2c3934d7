/// Which generation of a job's checkpoint is gone on from: the newest that is valid.
public struct CheckpointChoice: Sendable, Hashable {
  /// The checkpoint and its generation; nil when there is none that is valid.
  public var chosen: Chosen?
  /// The generations that are not valid, newest first, and why; not those that were moved aside.
  public var refused: [Refused]

  /// A valid checkpoint.
  public struct Chosen: Sendable, Hashable {
    /// Its generation.
    public var generation: Int
    /// What it says.
    public var checkpoint: JobCheckpoint
    /// How many bytes are stored.
    public var bytes: Int
  }

  /// A checkpoint that is not valid.
  public struct Refused: Sendable, Hashable {
    /// Its generation.
    public var generation: Int
    /// When it was committed.
    public var committedAt: String
    /// What is wrong with it.
    public var defect: CheckpointDefect
  }

  /// How the job stands by its checkpoints.
  public var standing: CheckpointStanding {
    if let chosen { return chosen.checkpoint.isFinished ? .finished : .unfinished }
    return refused.isEmpty ? .none : .invalid
  }

  /// What to tell people: which generations were passed over, and why.
  public var notes: [String] {
    refused.map { refused in
      "generation \(refused.generation) of the checkpoint is not valid: \(refused.defect)"
        + (chosen.map { "; generation \($0.generation) is gone on from" } ?? "")
    }
  }

  /// The facts for the job's history.
  public var facts: [JobFact] {
    refused.map {
      JobFact($0.defect.factKind, detail: "generation \($0.generation): \($0.defect)")
    }
  }

  /// Looks at generations until one is valid.
  ///
  /// One of a later version ends the search: what a later program wrote is not undone by an earlier one.
  ///
  /// - Parameter generations: As the sink has them.
  public static func choose(
    _ generations: [StoredJobCheckpoint], for owner: JobCheckpoint.Owner, layout: CheckpointLayout
  ) -> CheckpointChoice {
    var choice = CheckpointChoice(chosen: nil, refused: [])
    for stored in generations.sorted(by: { $0.generation > $1.generation }) where !stored.isAside {
      do throws(CheckpointDefect) {
        let checkpoint = try JobCheckpoint.decode(
          stored.data, digest: stored.digest, for: owner, run: stored.run, layout: layout)
        choice.chosen = Chosen(
          generation: stored.generation, checkpoint: checkpoint, bytes: stored.data.utf8.count)
        return choice
      } catch {
        choice.refused.append(
          Refused(generation: stored.generation, committedAt: stored.committedAt, defect: error))
        if case .tooNew = error { return choice }
      }
    }
    return choice
  }
}

/// How a job stands by its checkpoints.
public enum CheckpointStanding: String, Sendable, Hashable, CaseIterable {
  /// There is none.
  case none
  /// Its run is not finished.
  case unfinished
  /// Its run is finished.
  case finished
  /// There are some, and none is valid.
  case invalid
}
