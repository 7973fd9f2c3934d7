package import CairnTesting
import Foundation

/// Runs of the program `batch-program`, which processes entities, with mishaps.
package struct BatchCourse: Sendable {
  package let place: Workplace
  /// Its arguments, beside the state folder.
  package var arguments: [String]

  package init(_ arguments: [String]) throws {
    place = try Workplace()
    self.arguments = arguments
  }

  package var command: ChildCommand {
    ChildCommand(
      CairnBinary.beside("batch-program"), arguments + ["folder=\(place.file("states"))"],
      directory: place.path)
  }

  /// Runs it through mishaps to its end.
  package func run(through mishaps: [Mishap] = []) async throws -> [ChildOutcome] {
    try await CrashCourse(command, spareAttempts: 4).run(through: mishaps)
  }

  /// What the program printed in the end.
  package static func summary(_ outcome: ChildOutcome?) throws -> BatchSummary {
    try JSONDecoder().decode(
      BatchSummary.self, from: Data((outcome?.standardOutput ?? "").utf8))
  }
}

/// What `batch-program` prints.
package struct BatchSummary: Codable, Sendable, Hashable {
  /// The bits of the model.
  package var model: String?
  package var attempt: Int
  package var completedBefore: Int
  package var completed: Int
  package var batches: Int
  package var notes: [String]
}
