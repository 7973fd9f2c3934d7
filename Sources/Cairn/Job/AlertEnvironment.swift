extension EnvironmentReader {
  /// The alerts with what variables override; nil when neither the job nor they tell anybody.
  ///
  /// A mail server alone is nobody to tell: it may be set for all jobs of a host.
  func alerts(over job: AlertOptions?) throws(EnvironmentError) -> AlertOptions? {
    var alerts = job ?? AlertOptions()
    try list("CAIRN_ALERT_EMAIL", "addresses, separated by commas", into: &alerts.email) { $0 }
    try optionalText("CAIRN_ALERT_WEBHOOK", into: &alerts.webhook)
    try optionalText("CAIRN_ALERT_HEARTBEAT", into: &alerts.heartbeat)
    let occasions = AlertOccasion.allCases.map(\.rawValue).joined(separator: ", ")
    try list("CAIRN_ALERT_ON", "some of \(occasions)", into: &alerts.on) {
      AlertOccasion(rawValue: $0)
    }
    if !alerts.email.isEmpty { alerts.smtp = try smtp(over: alerts.smtp) }
    let tellsNobody = alerts.email.isEmpty && alerts.webhook == nil && alerts.heartbeat == nil
    return job == nil && tellsNobody ? nil : alerts
  }

  private func smtp(over job: SMTPOptions?) throws(EnvironmentError) -> SMTPOptions? {
    var smtp = job ?? SMTPOptions(url: "")
    try text("CAIRN_SMTP_URL", into: &smtp.url)
    try optionalText("CAIRN_SMTP_USER", into: &smtp.user)
    try optionalText("CAIRN_SMTP_PASSWORD", into: &smtp.password)
    try optionalText("CAIRN_SMTP_FROM", into: &smtp.from)
    let rules = StartTLSRule.allCases.map(\.rawValue).joined(separator: ", ")
    try value("CAIRN_SMTP_STARTTLS", "one of \(rules)", into: &smtp.startTLS) {
      StartTLSRule(rawValue: $0).map { .some($0) }
    }
    try optionalText("CAIRN_SMTP_CA_FILE", into: &smtp.caFile)
    return job == nil && smtp == SMTPOptions(url: "") ? nil : smtp
  }

  private func list<Element>(
    _ name: String, _ expected: String, into target: inout [Element],
    _ parse: (String) -> Element?
  ) throws(EnvironmentError) {
    try value(name, expected, into: &target) { text in
      var elements: [Element] = []
      for part in text.split(separator: ",") {
        let word = part.drop { $0 == " " }
        guard let element = parse(String(word.prefix { $0 != " " })) else { return nil }
        elements.append(element)
      }
      return elements
    }
  }
}
