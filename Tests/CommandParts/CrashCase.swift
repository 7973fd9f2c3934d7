package import Cairn

/// A moment at which a load is killed, and its mode.
package struct CrashCase: Sendable, CustomStringConvertible {
  /// The moment.
  package var point: FaultPoint
  /// The mode.
  package var mode: LoadMode

  package var description: String { "\(point.rawValue), \(mode.rawValue)" }

  /// Every moment of a load, in upsert and append mode. Standard input, entity batches and stages have
  /// suites of their own.
  package static let all = FaultPoint.allCases.filter {
    $0 != .inputConverted && !FaultPoint.ofEntityBatches.contains($0)
      && !FaultPoint.ofStages.contains($0) && !FaultPoint.ofCursorJobs.contains($0)
  }.flatMap { point in
    [LoadMode.upsert, .append].map { CrashCase(point: point, mode: $0) }
  }

  /// The moments that come in every chunk.
  package static let ofChunks = all.filter { !perRun.contains($0.point) }

  private static let perRun: Set<FaultPoint> = [
    .runBegun, .endBefore, .endMarked, .finishBefore, .finishProved, .finishSwapped,
    .finishAfter, .cleanupBefore, .cleanupHalf, .cleanupAfter,
  ]

  /// The mode in which the moment comes: a swap happens in replace mode only.
  package var modeOfLoad: LoadMode { point == .finishSwapped ? .replace : mode }

  /// A count that is in the middle of a load of six chunks. So short a load saves its manifest twice:
  /// at its begin and at its end.
  package var middle: Int { point.rawValue.hasPrefix("manifest") ? 2 : 3 }
}
