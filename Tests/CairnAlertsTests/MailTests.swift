import AlertPeers
import Cairn
import Foundation
import Testing

@testable import CairnAlerts

/// Mails against aiosmtpd, read back by Python's `email`.
@Suite(.timeLimit(.minutes(20))) final class MailTests {
  private let folder: String
  private var certificate: String { folder + "/certificate.pem" }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/mail-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func options(
    _ peer: AlertPeer, scheme: String = "smtp", to addresses: [String] = ["ops@example.com"],
    password: String? = nil, startTLS: StartTLSRule? = nil, trusted: Bool = true
  ) -> AlertOptions {
    AlertOptions(
      email: addresses,
      smtp: SMTPOptions(
        url: "\(scheme)://127.0.0.1:\(peer.port)", user: password.map { _ in "mailer" },
        password: password, from: "cairn@example.com", startTLS: startTLS,
        caFile: trusted && FileManager.default.fileExists(atPath: certificate)
          ? certificate : nil))
  }

  private func secure() async throws -> AlertPeer {
    try await AlertPeer(
      "smtp", "--certificate", folder, "--starttls", "--login", "mailer:s3cret & \"more\"")
  }

  @Test func `by STARTTLS, logged in`() async throws {
    let peer = try await secure()
    let options = options(peer, password: "s3cret & \"more\"", startTLS: .required)
    let deliveries = await send(.failedSample, by: options)
    #expect(
      deliveries == [AlertDelivery(channel: .mail(to: "ops@example.com"), attempts: 1)])
    #expect(peer.logins.map(\.login) == ["mailer"] && peer.logins.map(\.overTLS) == [true])
    #expect(peer.mails.count == 1)
    let mail = try #require(peer.mails.first)
    #expect(mail.overTLS && mail.isLoggedIn)
    #expect(mail.sender == "cairn@example.com" && mail.recipients == ["ops@example.com"])
    #expect(mail.defects == [])
    #expect(mail.header("From") == "cairn@example.com")
    #expect(mail.header("To") == "ops@example.com")
    #expect(mail.header("Subject") == "[cairn] FAILED: transport_documents on host01")
    #expect(mail.header("Auto-Submitted") == "auto-generated")
    #expect(mail.header("Date") == "Wed, 29 Jan 2025 14:30:22 +0000")
    #expect(mail.secondsSince1970 == Alert.sampleTime / 1_000_000_000)
    #expect(mail.header("Message-ID")?.hasSuffix("@example.com>") == true)
    #expect(
      mail.text.replacing("\r\n", with: "\n") == """
        FAILED: transport_documents on host01

        error   chunk 18: 120 rejected & <100> allowed (data)
        source  transport.dat
        target  documents in sqlite:transport.db
        run     sync_20250129_143000_a3f4b2c1, attempt 2
        rows    90,000 = 89,541 inserted + 459 rejected (0.51 %)
        chunks  18 of 30 committed; failed: 7, 9
        time    2025-01-29T14:30:22Z

        Next:
          cairn resume sync_20250129_143000_a3f4b2c1 --job /etl/job.yaml

        """)
  }

  @Test func `by TLS from the start`() async throws {
    let peer = try await AlertPeer("smtp", "--certificate", folder, "--tls")
    let deliveries = await send(.failedSample, by: options(peer, scheme: "smtps"))
    #expect(deliveries.first?.failure == nil)
    #expect(peer.mails.map(\.overTLS) == [true])
  }

  @Test func `plain to this host, unless told otherwise`() async throws {
    let peer = try await AlertPeer("smtp")
    #expect(await send(.failedSample, by: options(peer)).first?.failure == nil)
    #expect(peer.mails.map(\.overTLS) == [false])
  }

  @Test func `names in any script, long texts and line ends arrive as they are`() async throws {
    let peer = try await AlertPeer("smtp")
    var alert = Alert.failedSample
    alert.job = "出荷_документы_" + String(repeating: "é", count: 60)
    alert.source = "naïve 🦀.csv"
    alert.problem?.summary = "first\n.\nQUIT\n" + String(repeating: "x", count: 1900)
    #expect(await send(alert, by: options(peer)).first?.failure == nil)
    let mail = try #require(peer.mails.first)
    #expect(mail.defects == [])
    #expect(mail.longestLine <= 998)
    #expect(mail.header("Subject") == "[cairn] FAILED: \(alert.job) on host01")
    let text = mail.text.replacing("\r\n", with: "\n")
    #expect(text.contains("source  naïve 🦀.csv\n"))
    #expect(
      text.contains(
        "error   first\n        .\n        QUIT\n        " + String(repeating: "x", count: 1900)))
  }

  @Test func `a name adds no headers`() async throws {
    let peer = try await AlertPeer("smtp")
    var alert = Alert.failedSample
    alert.job = "a\r\nBcc: other@example.com\r\n\r\nb\u{0}"
    #expect(await send(alert, by: options(peer)).first?.failure == nil)
    let mail = try #require(peer.mails.first)
    #expect(mail.header("Bcc") == nil)
    #expect(mail.recipients == ["ops@example.com"])
    #expect(mail.header("Auto-Submitted") != nil)
  }

  @Test func `an address that is refused keeps the mail from nobody else`() async throws {
    let peer = try await AlertPeer("smtp", "--refuse", "gone@example.com")
    let addresses = ["gone@example.com", "ops@example.com"]
    let deliveries = await send(.failedSample, by: options(peer, to: addresses))
    #expect(
      deliveries.map(\.description) == [
        "mail to gone@example.com: the server answered 550 (127.0.0.1:\(peer.port))",
        "mail to ops@example.com: sent",
      ])
    #expect(deliveries.map(\.attempts) == [1, 1])
    #expect(peer.mails.map(\.recipients) == [["ops@example.com"]])
    #expect(peer.mails.first?.header("To") == "gone@example.com, ops@example.com")
  }

  @Test func `a server that is busy is asked again`() async throws {
    let peer = try await AlertPeer("smtp", "--busy", "1")
    let deliveries = await send(.failedSample, by: options(peer), limits: .quick)
    #expect(deliveries.map(\.attempts) == [2] && deliveries.first?.failure == nil)
    #expect(peer.mails.count == 1)
  }

  @Test func `a wrong password is said, once`() async throws {
    let peer = try await secure()
    let deliveries = await send(
      .failedSample, by: options(peer, password: "wr0ng", startTLS: .required), limits: .quick)
    #expect(
      deliveries.map(\.description) == [
        "mail to ops@example.com: the login was refused (535): check alerts.smtp.user and password"
          + " (127.0.0.1:\(peer.port))"
      ])
    #expect(deliveries.map(\.attempts) == [1])
    #expect(peer.mails.count == 0)
  }

  @Test func `nothing is said to a server that cannot be trusted`() async throws {
    let peer = try await secure()
    let options = options(
      peer, password: "s3cret & \"more\"", startTLS: .required, trusted: false)
    let deliveries = await send(.failedSample, by: options, limits: .quick)
    #expect(deliveries.first?.failure?.contains("is not to be trusted") == true)
    #expect(deliveries.map(\.attempts) == [1])
    #expect(peer.logins.isEmpty && peer.mails.count == 0)
  }

  @Test func `no STARTTLS where it is required: nothing is said`() async throws {
    let peer = try await AlertPeer("smtp", "--login", "mailer:s3cret")
    let deliveries = await send(
      .failedSample, by: options(peer, password: "s3cret", startTLS: .required), limits: .quick)
    #expect(deliveries.first?.failure?.contains("offers no STARTTLS") == true)
    #expect(deliveries.map(\.attempts) == [1])
    #expect(peer.logins.isEmpty && peer.mails.count == 0)
    let optional = options(peer, password: "s3cret", startTLS: .optional)
    #expect(await send(.failedSample, by: optional).first?.failure == nil)
    #expect(peer.mails.map(\.isLoggedIn) == [true])
  }

  @Test func `authorities that cannot be read`() async throws {
    let peer = try await secure()
    var options = options(peer, startTLS: .required)
    options.smtp?.caFile = folder + "/none.pem"
    let deliveries = await send(.failedSample, by: options)
    #expect(deliveries.first?.failure?.contains("alerts.smtp.ca_file") == true)
    #expect(peer.mails.count == 0)
  }

  @Test func `nobody listening, and a server that says nothing`() async throws {
    let dead = try await AlertPeer("smtp", "--hang")
    let gone = try await AlertPeer.deadPort()
    let limits = DeliveryLimits(
      total: .seconds(30), attempt: .milliseconds(500), minimumBackoff: .milliseconds(1))
    let start = ContinuousClock.now
    let hanging = await send(.failedSample, by: options(dead), limits: limits)
    // Three tries of 0.5 s; without a limit it would be minutes.
    #expect(ContinuousClock.now - start < .seconds(60))
    #expect(hanging.first?.failure?.hasPrefix("no answer within") == true)
    var options = options(dead)
    options.smtp?.url = "smtp://127.0.0.1:\(gone)"
    let refused = await send(.failedSample, by: options, limits: limits)
    #expect(
      refused.first?.failure == "no connection: Connection refused (127.0.0.1:\(gone))")
  }
}
