public import Cairn

/// Tells whom the options name of how a run ended: webhook and mails if the ending is one that they
/// are about, the heartbeat if it is a success. All ways are tried at once, each by itself.
///
/// Call it after `load`, `resume`, a pipeline's `run` or a processor's `forEachBatch`; it never fails,
/// and what it could not send says so. libcurl, which sends, honours the proxy variables of the environment (`https_proxy`, `no_proxy`).
///
/// - Parameters:
///   - alert: What there is to tell.
///   - options: Whom to tell, and how.
///   - limits: How long it may take.
///   - environment: Randomness and waiting.
/// - Returns: What became of each alert; empty when there was nobody to tell.
public func send(
  _ alert: Alert, by options: AlertOptions, limits: DeliveryLimits = DeliveryLimits(),
  environment: RunEnvironment = .live
) async -> [AlertDelivery] {
  let problems = options.problems()
  guard problems.isEmpty else {
    let reason = problems.map(\.description).joined(separator: "; ")
    return [AlertDelivery(channel: .none, attempts: 0, failure: reason)]
  }
  let deadline = ContinuousClock.now + limits.total
  return await withTaskGroup(of: (Int, AlertDelivery).self) { group in
    for (index, outgoing) in Outbox.transfers(of: alert, by: options, environment).enumerated() {
      group.addTask {
        let delivery = await outgoing.delivered(
          by: deadline, limits: limits, environment: environment)
        return (index, delivery)
      }
    }
    var deliveries: [(Int, AlertDelivery)] = []
    for await delivery in group { deliveries.append(delivery) }
    return deliveries.sorted { $0.0 < $1.0 }.map(\.1)
  }
}

/// A way to take and what to send on it.
private struct Outgoing: Sendable {
  let channel: AlertChannel
  let transfer: Transfer

  /// Tries until it is sent, it is certain that it cannot be, or time is up.
  func delivered(
    by deadline: ContinuousClock.Instant, limits: DeliveryLimits, environment: RunEnvironment
  ) async -> AlertDelivery {
    var delivery = AlertDelivery(channel: channel, attempts: 0)
    while true {
      let left = deadline - .now
      guard left > .milliseconds(10) else {
        delivery.failure = delivery.failure ?? "its time was up before it could be tried"
        return delivery
      }
      delivery.attempts += 1
      let timeout = min(left, limits.attempt)
      let failure = await DeliveryThreads.run { transfer.perform(timeout: timeout) }
      delivery.failure = failure?.reason
      guard let failure, failure.isTransient, delivery.attempts < limits.attempts else {
        return delivery
      }
      let wait = limits.wait(afterFailures: delivery.attempts, random: environment.random())
      guard wait < deadline - .now else { return delivery }
      // Cancelled: what is not sent by now is not sent.
      do { try await environment.sleep(wait) } catch { return delivery }
    }
  }
}

private enum Outbox {
  static func transfers(
    of alert: Alert, by options: AlertOptions, _ environment: RunEnvironment
  ) -> [Outgoing] {
    var outgoing: [Outgoing] = []
    if options.on.contains(alert.occasion), !alert.wasLoadedBefore {
      if let webhook = options.webhook {
        outgoing.append(
          Outgoing(channel: .webhook, transfer: .post(url: webhook, SlackMessage(alert))))
      }
      outgoing += mails(of: alert, by: options, environment)
    }
    if alert.occasion == .success, let heartbeat = options.heartbeat {
      outgoing.append(Outgoing(channel: .heartbeat, transfer: .get(url: heartbeat)))
    }
    return outgoing
  }

  /// A transfer for each address, so that one that is refused keeps the mail from nobody else.
  private static func mails(
    of alert: Alert, by options: AlertOptions, _ environment: RunEnvironment
  ) -> [Outgoing] {
    guard let smtp = options.smtp, let server = SMTPServer(smtp.url), let sender = smtp.sender
    else { return [] }
    let message = MailMessage(
      alert, from: sender, recipients: options.email, random: environment.random()
    ).text
    return options.email.map { address in
      Outgoing(
        channel: .mail(to: address),
        transfer: .mail(
          Transfer.Mail(
            server: server, options: smtp, from: sender, to: address, message: message)))
    }
  }
}
