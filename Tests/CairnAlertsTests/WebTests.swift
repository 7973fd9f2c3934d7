import AlertPeers
import Cairn
import Foundation
import Testing

@testable import CairnAlerts

/// Webhook and heartbeat against a real HTTP listener.
@Suite(.timeLimit(.minutes(20))) struct WebTests {
  private struct SlackBody: Decodable, Equatable { var text: String }

  @Test func `the webhook gets what Slack takes`() async throws {
    let peer = try await AlertPeer("http")
    let options = AlertOptions(webhook: peer.address + "/services/T0/B0/token")
    let deliveries = await send(.failedSample, by: options)
    #expect(deliveries == [AlertDelivery(channel: .webhook, attempts: 1)])
    let request = try #require(peer.requests.first)
    #expect(peer.requests.count == 1)
    #expect(request.method == "POST" && request.path == "/services/T0/B0/token")
    #expect(request.contentType == "application/json; charset=utf-8")
    let body = try JSONDecoder().decode(SlackBody.self, from: Data(request.body.utf8))
    #expect(
      body.text == """
        *FAILED: transport_documents on host01*
        error: chunk 18: 120 rejected &amp; &lt;100&gt; allowed (data)
        source: transport.dat
        target: documents in sqlite:transport.db
        run: sync_20250129_143000_a3f4b2c1, attempt 2
        rows: 90,000 = 89,541 inserted + 459 rejected (0.51 %)
        chunks: 18 of 30 committed; failed: 7, 9
        time: 2025-01-29T14:30:22Z
        next: `cairn resume sync_20250129_143000_a3f4b2c1 --job /etl/job.yaml`
        """)
  }

  @Test func `the heartbeat gets a GET of a success, and of nothing else`() async throws {
    let peer = try await AlertPeer("http")
    let options = AlertOptions(webhook: peer.address + "/hook", heartbeat: peer.address + "/beat")
    var partial = Alert.successSample
    partial.occasion = .partialSuccess
    #expect(await send(partial, by: options).map(\.channel) == [.webhook])
    #expect(await send(.failedSample, by: options).map(\.channel) == [.webhook])
    #expect(peer.requests.map(\.path) == ["/hook", "/hook"])
    #expect(await send(.successSample, by: options).map(\.channel) == [.heartbeat])
    let beat = try #require(peer.requests.last)
    #expect(beat.method == "GET" && beat.path == "/beat" && peer.requests.count == 3)
  }

  @Test func `who asks for successes is told, but not again of a source loaded before`()
    async throws
  {
    let peer = try await AlertPeer("http")
    let options = AlertOptions(
      webhook: peer.address + "/hook", heartbeat: peer.address + "/beat", on: [.success])
    #expect(await send(.failedSample, by: options).isEmpty)
    #expect(await send(.successSample, by: options).count == 2)
    var again = Alert.successSample
    again.wasLoadedBefore = true
    #expect(await send(again, by: options).map(\.channel) == [.heartbeat])
    #expect(peer.requests.map(\.path).sorted() == ["/beat", "/beat", "/hook"])
  }

  @Test func `a server that fails once is asked again`() async throws {
    let peer = try await AlertPeer("http", "--answers", "500,200")
    let deliveries = await send(
      .failedSample, by: AlertOptions(webhook: peer.address), limits: .quick)
    #expect(deliveries == [AlertDelivery(channel: .webhook, attempts: 2)])
    #expect(peer.requests.map(\.status) == [500, 200])
    #expect(peer.requests.first?.body == peer.requests.last?.body)
  }

  @Test(
    "What is asked again, and what is not",
    arguments: [
      (503, 3, "the server answered 503"), (429, 3, "the server answered 429"),
      (404, 1, "the server answered 404"), (403, 1, "the server answered 403"),
    ])
  func statuses(status: Int, attempts: Int, reason: String) async throws {
    let peer = try await AlertPeer("http", "--answers", "\(status)")
    let deliveries = await send(
      .failedSample, by: AlertOptions(webhook: peer.address + "/token"), limits: .quick)
    #expect(
      deliveries == [AlertDelivery(channel: .webhook, attempts: attempts, failure: reason)])
    #expect(peer.requests.count == attempts)
  }

  @Test func `a redirect is a failure`() async throws {
    let target = try await AlertPeer("http")
    let peer = try await AlertPeer(
      "http", "--answers", "302", "--redirect-to", target.address + "/elsewhere")
    let deliveries = await send(.successSample, by: AlertOptions(heartbeat: peer.address))
    #expect(deliveries.first?.failure?.hasPrefix("the server answered 302: it redirects") == true)
    #expect(peer.requests.count == 1)
    #expect(target.requests == [])
  }

  @Test func `nobody listening`() async throws {
    let port = try await AlertPeer.deadPort()
    let deliveries = await send(
      .failedSample, by: AlertOptions(webhook: "http://127.0.0.1:\(port)/token"), limits: .quick)
    #expect(
      deliveries == [
        AlertDelivery(
          channel: .webhook, attempts: 3, failure: "no connection: Connection refused")
      ])
  }

  @Test func `a server that says nothing holds nobody up`() async throws {
    let dead = try await AlertPeer("http", "--hang")
    let alive = try await AlertPeer("http")
    let start = ContinuousClock.now
    let deliveries = await send(
      .successSample,
      by: AlertOptions(
        webhook: alive.address, heartbeat: "http://127.0.0.1:\(dead.port)/token", on: [.success]),
      limits: DeliveryLimits(
        total: .seconds(30), attempt: .milliseconds(500), minimumBackoff: .milliseconds(1)))
    // Three tries of 0.5 s; without a limit it would be minutes.
    #expect(ContinuousClock.now - start < .seconds(60))
    #expect(deliveries.map(\.channel) == [.webhook, .heartbeat])
    #expect(deliveries.first?.failure == nil)
    #expect(deliveries.last?.failure?.hasPrefix("no answer within") == true)
    #expect(alive.requests.count == 1)
  }

  @Test func `all of it has a time limit`() async throws {
    let dead = try await AlertPeer("http", "--hang")
    let options = AlertOptions(heartbeat: "http://127.0.0.1:\(dead.port)/token")
    let start = ContinuousClock.now
    let late = await send(
      .successSample, by: options,
      limits: DeliveryLimits(total: .seconds(1), attempt: .seconds(240)))
    #expect(ContinuousClock.now - start < .seconds(120))
    #expect(late.map { $0.failure == nil } == [false])
    // What was not even tried is no success.
    let never = await send(.successSample, by: options, limits: DeliveryLimits(total: .zero))
    #expect(
      never == [
        AlertDelivery(
          channel: .heartbeat, attempts: 0, failure: "its time was up before it could be tried")
      ])
  }

  @Test func `an unknown host, and a scheme that is none of the web`() async throws {
    let unknown = await send(
      .successSample, by: AlertOptions(heartbeat: "http://no-such-host.invalid/token"),
      limits: .quick)
    #expect(unknown.first?.failure == "the host's address was not found")
    let file = await send(.successSample, by: AlertOptions(heartbeat: "file:///etc/passwd"))
    #expect(file.map(\.channel) == [.none])
    #expect(file.first?.failure?.contains("alerts.heartbeat") == true)
    #expect(file.first?.failure?.contains("passwd") == false)
    // Not even if it were let through.
    let through = Transfer.get(url: "file:///etc/hosts").perform(timeout: .seconds(1))
    #expect(through?.reason == "the address is none")
  }

  @Test func `cancelled, nothing is tried again`() async throws {
    let peer = try await AlertPeer("http", "--answers", "500")
    let options = AlertOptions(webhook: peer.address)
    let task = Task {
      await send(
        .failedSample, by: options, limits: DeliveryLimits(minimumBackoff: .seconds(5)))
    }
    while peer.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    #expect(await task.value.map(\.attempts) == [1])
    #expect(peer.requests.count == 1)
  }
}
