import Cairn
import Foundation
import Testing

@testable import CairnConnectors

/// The job files that the documentation shows are taken as they stand there.
@Suite struct DocumentationTests {
  @Test(arguments: ["jobs.md", "github.md", "jira.md"])
  func itsJobFilesAreTaken(_ name: String) throws {
    let path = Standin.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "docs/\(name)")
    let blocks = try String(contentsOf: path, encoding: .utf8).components(separatedBy: "```yaml\n")
      .dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    #expect(!blocks.isEmpty)
    for block in blocks {
      do {
        _ = try CursorJobFile.parse(
          block, path: "job.yaml", types: [GitHubSource.jobType, JiraSource.jobType],
          environment: [
            "GITHUB_TOKEN": "a", "JIRA_TOKEN": "b", "HOOK": "https://hooks.example.com/x",
          ])
      } catch {
        Issue.record("\(name): \(error)\n\(block)")
      }
    }
  }
}
