import Cairn
import Logging

/// The log and the figures of one command.
final class CommandRecords: Sendable {
  /// The log of events, unless nothing is logged.
  let events: EventLog?
  /// Where messages go.
  let logger: Logger
  /// Who gets the figures, if they are wanted.
  let metrics: PrometheusMetrics?
  private let metricsFile: PrometheusFile?

  /// How often figures are written while the work goes on.
  private static let interval = Duration.seconds(15)

  init(_ logging: LoggingOptions, format: LogFormat, metricsFile: String?) {
    let destination = LogDestination(logging, format: format)
    let isLogged = destination.files != nil || destination.console != nil
    let events =
      isLogged ? EventLog(destination, report: { CommandLog.logger.warning("\($0)") }) : nil
    self.events = events
    logger = CommandLog.logger(events, showsUsual: format == .text && logging.logToConsole == nil)
    let metrics = metricsFile.map { _ in PrometheusMetrics() }
    self.metrics = metrics
    if let metricsFile, let metrics {
      self.metricsFile = PrometheusFile(path: metricsFile, metrics: metrics)
    } else {
      self.metricsFile = nil
    }
    if format == .json, let events { Terminal.show(as: events) }
  }

  /// How a step beside a load is run: whom to tell.
  var options: LoadOptions {
    LoadOptions(
      memoryBudget: MemoryBudget.bytes(), logger: logger, events: events, metrics: metrics)
  }

  /// Does `work`, writing figures now and then, and at its end whatever it threw.
  func keeping<Result>(
    _ work: () async throws -> Result
  ) async throws -> Result {
    let writer = metricsFile.map { file in
      Task {
        while !Task.isCancelled {
          try await Task.sleep(for: Self.interval)
          await Self.write(file, logger)
        }
      }
    }
    do {
      let result = try await work()
      writer?.cancel()
      await end()
      return result
    } catch {
      writer?.cancel()
      await end()
      throw error
    }
  }

  private func end() async {
    await events?.cleanUp()
    if let metricsFile { await Self.write(metricsFile, logger) }
  }

  /// Writes figures; a file that cannot be written is a warning.
  static func write(_ file: PrometheusFile, _ logger: Logger) async {
    do {
      try await file.write()
    } catch {
      // Figures that cannot be written are no reason to fail.
      logger.warning("the metrics file is not written", metadata: ["reason": "\(error)"])
    }
  }
}
