import ArgumentParser
import Cairn
import CairnAlerts

/// Sends the alerts of one command. Whatever becomes of them, the command ends as it would have
/// without.
///
/// What a load has to tell is sent when all is printed: at the command's end, or before its next load
/// begins. The heartbeat is sent at the end, if every load succeeded.
final class CommandAlerts {
  /// What is known of the load under way; nil as long as its job is not understood.
  private var load: LoadUnderWay?
  private var failure: (any Error)?
  private var held: (alert: Alert, options: AlertOptions)?
  private var isAllWell = true

  /// Takes over what is known of the load under way.
  func begin(_ load: LoadUnderWay) async {
    await sendHeld(heartbeat: false, code: ExitStatus.stopped)
    self.load = load
  }

  /// Does `work`; its error is told of at the end.
  func noting(_ work: () async throws -> Void) async throws {
    do {
      try await work()
    } catch {
      if !(error is ExitCode) { failure = error }
      throw error
    }
  }

  /// Notes how the load under way ended.
  func ended(_ outcome: LoadOutcome) {
    guard let load, var alert = Alert(outcome) else {
      isAllWell = false
      return
    }
    if alert.occasion != .success { isAllWell = false }
    alert.nextCommand = load.nextCommand(after: outcome)
    held = load.alerts.map { (alert, $0) }
  }

  /// Does `work`, which prints what is to be printed, then sends what is to be sent.
  func deliveringAtEnd(_ work: () async throws -> Void) async throws {
    do {
      try await work()
    } catch {
      if let failure { await note(failure) }
      let code = (error as? ExitCode)?.rawValue ?? ExitStatus.failed
      await sendHeld(heartbeat: false, code: code)
      throw error
    }
    await sendHeld(heartbeat: isAllWell, code: 0)
  }

  private func note(_ error: any Error) async {
    // Somebody asked for the end: what broke off by it is no failure.
    guard let load, let options = load.alerts, load.stop.raised == nil,
      var alert = Alert(
        error, job: load.job, source: load.source, table: load.table, sink: load.location,
        run: await load.run(after: error))
    else { return }
    alert.syncID = alert.syncID ?? load.syncID(after: error)
    alert.nextCommand = load.nextCommand(run: alert.syncID)
    held = (alert, options)
  }

  private func sendHeld(heartbeat: Bool, code: Int32) async {
    guard let (alert, job) = held else { return }
    held = nil
    guard let options = heartbeat ? job : job.withoutHeartbeat else { return }
    let deliveries = await Signals.ending(with: code) { await send(alert, by: options) }
    let lost = deliveries.filter { $0.failure != nil }
    guard !lost.isEmpty else { return }
    let reasons = lost.map(\.description).joined(separator: "; ")
    CommandLog.logger.warning("alert not sent: \(reasons)")
  }
}

extension AlertOptions {
  /// Webhook and mails; nil when there are none.
  fileprivate var withoutHeartbeat: AlertOptions? {
    var options = self
    options.heartbeat = nil
    return email.isEmpty && webhook == nil ? nil : options
  }
}
