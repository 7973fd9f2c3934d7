@testable import Cairn
import Foundation
import Testing

@Suite struct CursorJobFileTests {
  private struct Nothing: CursorSource {
    let type = "shop"
    var scope: String
    let phases = ["orders"]
    let tables: [RecordTable] = []
    let firstPartitions: [Partition] = []
    func page(_ request: PageRequest) async throws -> Page { Page(next: .finished) }
  }

  private static let types = [
    CursorJobType(name: "shop", keys: ["address", "token", "token_file"]) { section, _ in
      section.require("address")
      let token = section.secret("token")
      guard let address = section.expandedText("address") else { return nil }
      return { _ in Nothing(scope: "\(address) \(token ?? "none")") }
    },
    CursorJobType(name: "github", keys: ["organization"]) { _, _ in { _ in Nothing(scope: "") } },
  ]

  private func read(
    _ yaml: String, path: String = "jobs/shop.yaml", _ environment: [String: String] = [:]
  ) throws -> CursorJobFile {
    try CursorJobFile.parse(yaml, path: path, types: Self.types, environment: environment)
  }

  private func problems(_ yaml: String) -> String {
    do {
      _ = try read(yaml)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func `a whole file`() throws {
    let file = try read(
      """
      job: shop_sync
      type: shop
      shop:
        address: https://shop.example
        token: ${TOKEN}
      sink:
        url: sqlite:shop.db
        prefix: shop_
      schedule: { every: 1h30m }
      checkpoint: { records: 50, every: 3m, recovery: restart }
      requests: { at_once: 8, overlap: 1m }
      deletions: sweep
      sweep: { every: 2d, every_runs: 10 }
      fields: freeze
      raw: true
      retry: { attempts: 9 }
      alerts: { webhook: https://hooks.example/x }
      """, ["TOKEN": "s3cret"])
    #expect(file.name == "shop_sync")
    #expect(file.type == "shop")
    #expect(file.sinkURL == "sqlite:jobs/shop.db")
    #expect(file.tablePrefix == "shop_")
    #expect(file.options.interval == .seconds(5400))
    #expect(file.options.recovery == .restart)
    #expect(file.options.atOnce == 8)
    #expect(file.options.overlap == .seconds(60))
    #expect(file.options.deletions == .sweep(everyRuns: 10, interval: .seconds(2 * 86_400)))
    #expect(file.options.fields == .freeze)
    #expect(file.options.retry.attempts == 9)
    #expect(file.options.file?.hasSuffix("jobs/shop.yaml") == true)
    #expect(file.alerts?.webhook == "https://hooks.example/x")
  }

  @Test func `PostgreSQL's schema goes before the names`() throws {
    let file = try read(
      """
      job: j
      type: shop
      shop: { address: x }
      sink: { url: "postgres://h/d", schema: github, prefix: gh_ }
      """)
    #expect(file.tablePrefix == "github.gh_")
  }

  @Test func `a secret may be in a file, and is in no message`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try "  s3cret\n".write(
      to: folder.appendingPathComponent("token"), atomically: true, encoding: .utf8)
    func yaml(_ more: String) -> String {
      "job: j\ntype: shop\nshop: { address: x, \(more) }\nsink: { url: 'sqlite:x.db' }\n"
    }
    let path = folder.appendingPathComponent("job.yaml").path
    #expect(throws: Never.self) { try read(yaml("token_file: token"), path: path) }
    let both = #expect(throws: JobFileError.self) {
      try read(yaml("token: s3cret, token_file: token"), path: path)
    }
    #expect("\(try #require(both))".contains("the secret is given in 'shop.token' already"))
    #expect(!"\(try #require(both))".contains("s3cret"))
    let missing = #expect(throws: JobFileError.self) {
      try read(yaml("token_file: other"), path: path)
    }
    #expect("\(try #require(missing))".contains("cannot be read, or is empty"))
    let unset = #expect(throws: JobFileError.self) {
      try read(yaml("token: '${NOT_SET}'"), path: path)
    }
    #expect("\(try #require(unset))".contains("the environment variable 'NOT_SET' is not set"))
  }

  @Test(arguments: [
    ("typ: shop", "shop.yaml:2:1: unknown key 'typ'; did you mean 'type'?"),
    ("type: shopp", "shop.yaml:2:7: type: 'shopp' is not known; did you mean 'shop'?"),
    ("type: github", "the job's type is 'github', so that this is of no use"),
    ("type: shop\nfields: evolv", "fields: 'evolv' is not known; did you mean 'evolve'?"),
    ("type: shop\nsweep: { every: 1d }", "it is of use with deletions: sweep only"),
    ("type: shop\nschedule: { every: soon }", "expected a duration such as 90s or 9m30s"),
    ("type: shop\nschedule: {}", "schedule needs 'every'"),
    ("type: shop\ncheckpoint: { records: 0 }", "expected a whole number from 1…10000"),
    ("type: shop\ncheckpoint: { recovery: rest }", "checkpoint.recovery: 'rest' is not known"),
  ]) func `what is wrong is said, with its place`(_ change: (String, String)) {
    let found = problems(
      """
      job: j
      \(change.0)
      shop: { address: x }
      sink: { url: "sqlite:x.db" }
      """)
    #expect(found.contains(change.1), "\(found)")
  }

  @Test func `more that is wrong is said at once`() {
    let found = problems(
      "job: a b\ntype: shop\nshop: { adress: x }\nsink: { url: 'sqlite:x', schema: s }\n")
    #expect(found.contains("a job's name has letters, digits"))
    #expect(found.contains("unknown key 'adress' in shop; did you mean 'address'?"))
    #expect(found.contains("shop needs 'address'"))
    #expect(found.contains("SQLite has no schemas; use 'prefix'"))
  }
}
