import CairnTesting
import Foundation
import Testing

@testable import CairnConnectors

@Suite struct GitHubQueryTests {
  private static var queries: [String] {
    let all = GitHubQuery(tables: Set(GitHubTable.allCases))
    let few = GitHubQuery(tables: [.repositories, .pullRequests])
    return [
      all.repositories, all.named(3), all.pullRequests, few.pullRequests,
      all.pages(of: GitHubQuery.Part.allCases), all.pages(of: [.reviews]),
      GitHubQuery.threadComments, GitHubQuery.issues, all.numbers(1...100), few.numbers(7...9),
    ]
  }

  /// GitHub's own schema, where it is at hand.
  private static var schema: String? {
    let shared = ProcessInfo.processInfo.environment["CAIRN_SHARED"] ?? "../shared"
    let path = shared + "/apis/github.schema.graphql"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  @Test(.enabled(if: schema != nil, "no apis/github.schema.graphql in CAIRN_SHARED (or ../shared)"))
  func fitTheSchema() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "queries-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "queries.json")
    try JSONEncoder().encode(Self.queries).write(to: file)
    let peer = Standin.folder.deletingLastPathComponent().appending(path: "Peers/graphql_peer.py")
    let outcome = try await ChildProcess(
      ChildCommand(
        try Standin.python(), [peer.path, try #require(Self.schema), file.path],
        environment: ["PYTHONDONTWRITEBYTECODE": "1"])
    ).wait(timeout: .seconds(300))
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let lines = outcome.standardOutput.split(separator: "\n")
    #expect(lines.count == Self.queries.count)
    for (query, errors) in zip(Self.queries, lines) {
      #expect(errors == "[]", "\(query.prefix(60)): \(errors)")
    }
  }

  /// Whether each column's value is asked for: the members of its path are in the query.
  @Test func askForEveryColumn() {
    let all = Self.queries.joined(separator: " ")
    for table in GitHubTable.allCases {
      for field in table.shape.fields {
        let names: [String] =
          switch field.origin {
          case .path(let path): path
          case .list(let path, let list): path + list
          case .given, .text: []
          }
        for name in names {
          #expect(all.contains(name), "\(table.rawValue).\(field.column.name): \(name)")
        }
      }
    }
  }
}
