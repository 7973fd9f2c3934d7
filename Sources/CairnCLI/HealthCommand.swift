import ArgumentParser
import Cairn
import CairnAlerts
import Foundation

/// `cairn health`.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Say whether the checkpoints of jobs are well.",
    discussion: """
      Exit code 0 when all is well, 1 when a measure is above its threshold. With a job file that has \
      alerts, those are told then: once, of all measures together.
      """)

  @Argument(help: "A job file: its sink is looked at, and its alerts are told.")
  var file: String?

  @Option(name: .long, help: ArgumentHelp("How far to look back.", valueName: "time"))
  var within = "24h"

  @Option(
    name: .customLong("max-storage"),
    help: ArgumentHelp("The most that checkpoints may take.", valueName: "size"))
  var maximumStorage = "100MiB"

  @Option(
    name: .customLong("max-validation-failures"),
    help: ArgumentHelp("The most invalid checkpoints.", valueName: "n"))
  var maximumValidationFailures = 0

  @Option(
    name: .customLong("max-recovery-failures"),
    help: ArgumentHelp("The most failed recoveries.", valueName: "n"))
  var maximumRecoveryFailures = 2

  @Option(
    name: .customLong("max-corruption"),
    help: ArgumentHelp("The most damaged checkpoints.", valueName: "n"))
  var maximumCorruption = 0

  @OptionGroup var sinkOptions: JobSinkOptions
  @OptionGroup var metricsOption: MetricsFileOption
  @OptionGroup var output: OutputOptions

  private struct Summary: Encodable {
    var isWell: Bool
    var measures: [JobHealth.Measure]
  }

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let age = try RunOptions.duration(within, of: "--within")
      guard let storage = ByteSizeText.parse(maximumStorage) else {
        throw UsageError(
          "--max-storage '\(maximumStorage)' is not a size", remedy: "Write it like 100MiB")
      }
      let job = try file.map(TypedJobs.read)
      let sink = try sinkOptions.require(files: job.map { [$0] } ?? [])
      let health = try await JobHealth.of(
        sink, within: age,
        thresholds: JobHealth.Thresholds(
          storageUsage: Int(clamping: storage), validationFailures: maximumValidationFailures,
          recoveryFailures: maximumRecoveryFailures, corruptionIncidents: maximumCorruption))
      if let path = metricsOption.path {
        let metrics = PrometheusMetrics()
        health.record(in: metrics, sink: sink.location)
        await CommandRecords.write(
          PrometheusFile(path: path, metrics: metrics), CommandLog.logger)
      }
      if output.json {
        try JSONOutput.print(Summary(isWell: health.isWell, measures: health.measures))
      } else {
        Terminal.print(Self.text(health))
      }
      guard !health.isWell else { return }
      if let options = job?.alerts { await alert(health, by: options, sink: sink.location) }
      throw ExitCode(ExitStatus.failed)
    }
  }

  private static func text(_ health: JobHealth) -> String {
    health.measures.map { measure in
      let word = measure.isWell ? Terminal.green("well") : Terminal.red("not well")
      func text(_ number: Int) -> String {
        switch measure.unit {
        case .count: Readable.count(number)
        case .bytes: Readable.bytes(number)
        }
      }
      let line =
        "\(measure.name)  \(text(measure.value)), at most \(text(measure.threshold))  \(word)"
      return ([line] + (measure.isWell ? [] : measure.details.map { "  \($0)" }))
        .joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private func alert(_ health: JobHealth, by options: AlertOptions, sink: String) async {
    var alert = Alert(.failed, job: "health", source: "checkpoints", table: "", sink: sink)
    alert.problem = Alert.Problem(
      errorClass: .fatal, summary: health.issues.joined(separator: "; "))
    alert.details = health.measures.filter { !$0.isWell && !$0.details.isEmpty }.map { measure in
      Alert.Detail(measure.name, measure.details.prefix(3).joined(separator: "; "))
    }
    // Who reads it is elsewhere, and paths are relative.
    alert.nextCommand =
      "cd \(shellQuoted(FileManager.default.currentDirectoryPath)) && \(TypedCommand.text)"
    let sending = alert
    let deliveries = await Signals.ending(with: ExitStatus.failed) {
      await send(sending, by: options)
    }
    for delivery in deliveries where delivery.failure != nil {
      CommandLog.logger.warning("alert not sent: \(delivery)")
    }
  }
}
