package import Cairn
import Foundation

/// Where in a run a job is killed: at which of the times that it comes to a fault point.
package struct KillPlaces: Sendable {
  /// The report of a run that nobody disturbed.
  package let undisturbed: JobReport

  /// Whether a job is to be killed everywhere, however long that takes: where `CAIRN_CRASH_RUNS` is set.
  package static let isThorough =
    ProcessInfo.processInfo.environment["CAIRN_CRASH_RUNS"]?.isEmpty == false

  /// The seeds of random kills.
  package static let seeds: ClosedRange<UInt64> = 1...(isThorough ? 20 : 3)

  /// Reads the report that a child printed.
  package init(report: String) throws {
    undisturbed = try JSONDecoder().decode(JobReport.self, from: Data(report.utf8))
  }

  /// How often a run comes to a point: for every page, for every checkpoint, or once.
  package func count(of point: FaultPoint) -> Int {
    switch point {
    case .jobPageRead: undisturbed.pages
    case .jobEnding, .jobEnded: 1
    default: undisturbed.generation
    }
  }

  /// Every time.
  package func all(at point: FaultPoint) -> [Int] { Array(1...max(count(of: point), 1)) }

  /// The first time, the last, and one between, which is another for each point.
  package func times(at point: FaultPoint) -> [Int] {
    let count = count(of: point)
    guard count > 2 else { return all(at: point) }
    let place = FaultPoint.ofCursorJobs.firstIndex(of: point) ?? 0
    return [1, 2 + place * (count - 2) / FaultPoint.ofCursorJobs.count, count]
  }
}
