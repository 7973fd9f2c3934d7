import Cairn
package import CairnTesting
import Foundation

/// Runs of the program `job-program`, which extracts from a scripted API, with mishaps.
package struct JobCourse: Sendable {
  package let place: Workplace
  package var arguments: [String]

  package init(_ arguments: [String] = []) throws {
    place = try Workplace()
    self.arguments = arguments
  }

  package var command: ChildCommand {
    ChildCommand(
      CairnBinary.beside("job-program"), arguments + ["log=\(place.file("requests.log"))"],
      directory: place.path)
  }

  package func run(through mishaps: [Mishap] = []) async throws -> [ChildOutcome] {
    try await CrashCourse(command, spareAttempts: 4).run(through: mishaps)
  }

  /// The requests in their order, each as `phase name cursor`.
  package var requests: [String] {
    get throws {
      String(decoding: try place.read("requests.log"), as: UTF8.self).split(separator: "\n")
        .map(String.init)
    }
  }
}
