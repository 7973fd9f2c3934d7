import ArgumentParser

/// The `cairn` command: a thin client of the libraries.
@main
struct CairnCommand: AsyncParsableCommand {
  static func main() async {
    TypedCommand.hideSecrets()
    MemoryBudget.boundHeaps()
    await main(nil)
  }

  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Loads large delimited files into a database, and survives being killed.",
    discussion: """
      A run that dies goes on from its last committed chunk: nothing lost, nothing twice. Run the \
      same command again, or `cairn resume`.

      Exit codes: 0 done, 1 failed, 2 partial success, 64 usage, 65 bad data over the limit, \
      69 another process owns the run, 75 stopped: resume to go on.
      """,
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, InitCommand.self, CheckCommand.self, SampleCommand.self, LoadCommand.self,
      ConvertCommand.self, VerifyCommand.self, ResumeCommand.self, StatusCommand.self,
      RunsCommand.self, RejectsCommand.self, CleanupCommand.self, CheckpointsCommand.self,
      JobCommand.self, HealthCommand.self, PipelineCommand.self, EventsCommand.self,
      AdviseCommand.self, SchemaCommand.self,
    ])
}
