package import Cairn
package import CairnTesting

/// Where a sample is loaded to, looked at as any other program would.
package protocol SampleDestination: Sendable {
  /// The sink's URL, for the job.
  var url: String { get }

  /// What the table holds.
  func content(of table: String, columns: [ColumnRule]) async throws -> SampleContent

  /// The numbers of the chunks in the ledger, of runs that are not abandoned, ascending.
  func chunks() async throws -> [Int]

  /// The lines of all rejects, ascending.
  func rejectedLines() async throws -> [Int]

  /// The statuses of all runs.
  func statuses() async throws -> [String]
}
