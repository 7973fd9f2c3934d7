import Cairn
import CairnTesting
import Foundation
import Testing

@testable import CairnPostgres

@Suite("What follows from an error of PostgreSQL")
struct ErrorTests {
  @Test(arguments: [
    "08000", "08006", "40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01",
    "57P02", "57P03", "25006", "25P03", "72000",
  ])
  func `these may pass`(_ state: String) {
    #expect(SQLState.consequence(of: state) == .transient)
    #expect(!SQLState.isAboutARow(state, mayWrite: true))
  }

  @Test(arguments: [
    "22001", "22P02", "22021", "23502", "23503", "23505", "23514", "23P01", "44000",
  ])
  func `these are about data`(_ state: String) {
    #expect(SQLState.consequence(of: state) == .data)
    #expect(SQLState.isAboutARow(state, mayWrite: false))
  }

  @Test(arguments: ["P0001", "XX000", "54000", "54011"])
  func `these are about a row where rows are written, and fatal elsewhere`(_ state: String) {
    #expect(SQLState.isAboutARow(state, mayWrite: true))
    guard case .fatal = SQLState.consequence(of: state) else {
      Issue.record("\(state) is \(SQLState.consequence(of: state))")
      return
    }
  }

  @Test func `a lacking right is about a row only where the role may write the table`() {
    #expect(SQLState.isAboutARow("42501", mayWrite: true))
    #expect(!SQLState.isAboutARow("42501", mayWrite: false))
  }

  @Test(arguments: [
    "0A000", "21000", "26000", "28P01", "3D000", "3F000", "42P01", "42601", "55000", "58030",
    "99999", "ZZ000", "",
  ])
  func `these and whatever is unknown are fatal`(_ state: String) {
    guard case .fatal = SQLState.consequence(of: state) else {
      Issue.record("\(state) is \(SQLState.consequence(of: state))")
      return
    }
    #expect(!SQLState.isAboutARow(state, mayWrite: true))
  }

  @Test func `the table for people names every class with what follows from it`() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/postgres-errors.md").path
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for name in SQLState.documentedClasses {
      let word: String
      switch SQLState.consequence(of: name + "999") {
      case .transient: word = "transient"
      case .data: word = "data"
      case .fatal: word = "fatal"
      }
      #expect(text.contains("| `\(name)` |"), "class \(name) is missing")
      let line = text.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") } ?? ""
      #expect(line.contains("| \(word) |"), "class \(name): \(line)")
    }
  }

  @Test(arguments: [
    ("COPY target, line 5, column n: \"x\"", 4), ("COPY t2, Zeile 17", 16),
    ("SQL statement\nCOPY x, line 2", 1),
  ])
  func `the row of a COPY is read from its context, in any language`(_ text: String, _ row: Int) {
    #expect(PostgresFailure.copyRow(in: text) == row)
  }

  @Test func `where a server is holds no secret`() {
    let url = "postgres://me:s3cret@db.example:5433/sales?sslmode=require&password=s3cret"
    #expect(
      PostgresSink(url: url).location == "postgres://me@db.example:5433/sales?sslmode=require")
    let settings = "host=db.example port=5433 dbname=sales user=me password=s3cret"
    #expect(PostgresSink(url: settings).location == "postgres://db.example:5433/sales")
  }

  @Test func `where a server is tells the state schema, and is an address again`() {
    let first = PostgresSink(url: "postgres://db/x?a=b", stateSchema: "Ünlike & this").location
    #expect(first == "postgres://db/x?a=b&state_schema=%C3%9Cnlike%20%26%20this")
    let address = ServerAddress(first, stateSchema: nil)
    #expect(address.connection == "postgres://db/x?a=b")
    #expect(address.stateSchema == "Ünlike & this")
    #expect(address.location == first)
    #expect(ServerAddress(first, stateSchema: "other").stateSchema == "other")
    #expect(
      ServerAddress("postgres://db/x?state_schema=s", stateSchema: nil).connection
        == "postgres://db/x")
  }

  @Test(
    "an address that is none is shown without its password",
    arguments: [
      "postgres://me:s3cret@[db/sales", "postgres://me:s3cret@db:port/sales",
      "postgres://me:s3cret@db:70000/sales", "postgres://me:s3cret@db/sales?nosuch=1",
      "postgres://me:s3/cret@db/sales", "host=db port=x password=s3cret",
    ])
  func unreadable(_ address: String) async throws {
    do {
      _ = try await PostgresSink(url: address).runs(RunFilter())
      Issue.record("it was taken for an address")
    } catch SinkError.fatal(let message, let remedy) {
      #expect(!message.contains("s3") && !message.contains("cret"), "\(message)")
      #expect(remedy.contains("postgres://"))
    }
  }

  @Test func `a server that is away is unreachable, a wrong password or database is fatal`()
    async throws
  {
    let server = try await TestServer.shared
    await #expect {
      try await PostgresSink(url: "postgres://me:s3cret@127.0.0.1:1/x").prepareState()
    } throws: { error in
      guard case SinkError.unreachable(let text) = error else { return false }
      return !text.contains("s3cret") && text.contains("127.0.0.1:1")
    }
    for (url, word) in [
      (server.url(user: PostgresServer.user, password: "s3cret"), "password"),
      (server.url(database: "nowhere"), "database"),
    ] {
      await #expect {
        try await PostgresSink(url: url).prepareState()
      } throws: { error in
        guard case SinkError.fatal(let text, let remedy) = error else { return false }
        return !text.contains("s3cret") && !text.contains(server.password)
          && remedy.lowercased().contains(word)
      }
    }
  }
}
