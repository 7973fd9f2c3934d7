/// How much work the checkpoints of a processor have saved. Pure.
public struct CheckpointEffectiveness: Sendable, Hashable, Codable {
  /// The processor.
  public var processorName: String
  /// Attempts that went on from a checkpoint, of runs that were completed.
  public var checkpointResumptions: Int
  /// Entities that were done when they began, on average.
  public var avgEntitiesSaved: Double
  /// Entities that were left, on average.
  public var avgEntitiesRemaining: Double
  /// Share of entities that were done, on average, in per cent to one decimal.
  public var avgPctSaved: Double

  /// Sums up a history by processor, the one with the most resumptions first.
  public static func of(_ attempts: [EntityAttempt]) -> [CheckpointEffectiveness] {
    let completed = Set(attempts.filter { $0.ending == .completed }.map(\.syncID))
    let resumed = attempts.filter { attempt in
      switch attempt.ending {
      case .completed, .failed, .stopped, .crashed:
        attempt.attempt > 1 && attempt.entitiesSaved > 0 && completed.contains(attempt.syncID)
      case .expired, .discarded, .cleaned: false
      }
    }
    return Dictionary(grouping: resumed, by: \.processor).map { processor, attempts in
      func average(_ value: (EntityAttempt) -> Double) -> Double {
        attempts.reduce(0) { $0 + value($1) } / Double(attempts.count)
      }
      return CheckpointEffectiveness(
        processorName: processor, checkpointResumptions: attempts.count,
        avgEntitiesSaved: average { Double($0.entitiesSaved) },
        avgEntitiesRemaining: average { Double($0.totalEntities - $0.entitiesSaved) },
        avgPctSaved: (average {
          Double($0.entitiesSaved) / Double(max($0.totalEntities, 1))
        } * 1_000).rounded() / 10)
    }.sorted {
      ($1.checkpointResumptions, $0.processorName) < ($0.checkpointResumptions, $1.processorName)
    }
  }
}
