import Cairn
import Foundation
import Testing

@testable import CairnConnectors

@Suite struct CredentialsTests {
  /// What the library says of a header that it does not take has the header's value.
  @Test func aHeaderThatIsNotTakenIsNotShown() async throws {
    let error = await #expect(throws: APIFailure.self) {
      _ = try await NetworkTransport().exchange(
        TransportRequest(
          method: "GET", url: "http://127.0.0.1:9/x",
          headers: [("Authorization", "Bearer sword\nfish")], body: nil),
        timeout: .seconds(20), limit: 100)
    }
    let text = "\(error as Any)"
    #expect(text.contains("header"))
    #expect(!text.contains("sword") && !text.contains("fish"))
  }

  @Test(arguments: [
    APICredentials.bearer(Secret("sword\nfish")),
    .basic(user: "me", password: Secret("sword\u{0}fish")),
  ])
  func aTokenOfSeveralLinesIsRefusedAtOnce(_ credentials: APICredentials) async throws {
    let script = ScriptedTransport()
    let client = APIClient(
      address: try APIAddress("https://api.example.com"), credentials: credentials,
      options: APIClientOptions(service: "Example"), environment: script.environment,
      transport: script)
    let error = await #expect(throws: CursorSourceError.self) {
      _ = try await client.json(APIRequest(.get, "/x"), context: script)
    }
    guard case .fatal(let message, _)? = error else { return #expect(Bool(false)) }
    #expect(message.contains("line end"))
    #expect(!"\(error as Any)".contains("sword"))
    #expect(script.requests.isEmpty)
  }

  /// A job file names the setting, and not what it holds.
  @Test(arguments: [
    ("github", "organizations: [a], token: \"${TOKEN}\"", "github.token"),
    ("jira", "url: https://jira.example.com, token: \"${TOKEN}\"", "jira.token"),
    ("github", "organizations: [a], token_file: token.txt", "github.token_file"),
  ])
  func aJobFileNamesTheSetting(_ type: String, _ section: String, _ setting: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try "sword\nfish\n".write(
      to: folder.appending(path: "token.txt"), atomically: true, encoding: .utf8)
    let error = #expect(throws: JobFileError.self) {
      try CursorJobFile.parse(
        "job: a\ntype: \(type)\n\(type): { \(section) }\nsink: { url: \"sqlite:a.db\" }\n",
        path: folder.appending(path: "job.yaml").path,
        types: [GitHubSource.jobType, JiraSource.jobType], environment: ["TOKEN": "sword\nfish"])
    }
    let text = "\(error as Any)"
    #expect(text.contains("\(setting): it holds a line end"), "\(text)")
    #expect(!text.contains("sword"))
  }

  /// A line end behind a token, as files have it, belongs to the file.
  @Test func aLineEndBehindATokenIsNone() {
    #expect(Secret("sword\n").problem == nil)
  }
}
