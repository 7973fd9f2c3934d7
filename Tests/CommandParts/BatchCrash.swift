package import Cairn

/// When `batch-program` is killed.
package enum BatchCrash {
  /// The points that a run with rows and large state passes, each with the count at which it comes in
  /// the middle.
  package static let points: [(point: FaultPoint, count: Int)] = FaultPoint.ofEntityBatches.map {
    switch $0 {
    case .entitiesDone, .entitiesReplaced, .entitiesCleared: ($0, 1)
    default: ($0, 3)
    }
  }
}
