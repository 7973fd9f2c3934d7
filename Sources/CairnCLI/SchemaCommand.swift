import ArgumentParser
import Cairn
import CairnPostgres

/// `cairn schema`.
struct SchemaCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print or create the tables in which Cairn keeps its state in PostgreSQL.",
    discussion: """
      A load creates them by itself where its role may. Where it may not, somebody who may runs what \
      --print-sql prints, and grants the role USAGE on the schema and SELECT, INSERT, UPDATE and \
      DELETE on its tables.
      """)

  @Flag(name: .customLong("print-sql"), help: "Print the statements that create them.")
  var printSQL = false

  @Flag(name: .long, help: "Create them, or bring them up to date, in the database of --into.")
  var create = false

  @OptionGroup var sinkOptions: SinkOptionGroup

  func validate() throws {
    guard printSQL != create else {
      throw ValidationError("say --print-sql or --create")
    }
  }

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let address = try sinkOptions.address(for: nil)
      if printSQL {
        let isPostgres = address.map { $0.url.hasPrefix("postgres") } ?? true
        guard isPostgres else {
          throw UsageError("SQLite's state tables are made by the first load; nobody else need")
        }
        let schema = try address.map { try $0.stateSchemaOfSink() } ?? sinkOptions.stateSchema
        Terminal.print(PostgresSink.stateSQL(stateSchema: schema))
        return
      }
      guard let address else {
        throw UsageError(
          "cannot tell which database the tables are for",
          remedy: "Add --into \(SinkAddress.form), or --job with the job file")
      }
      let sink = try address.open()
      try await sink.prepareState()
      Terminal.print("the state tables are in \(sink.location)")
    }
  }
}
