import CairnTesting
import Testing

@testable import CairnConnectors

/// What is said of a connection that does not bring an answer.
@Suite struct NetworkTransportTests {
  /// A server that does one thing with whoever connects.
  private static let peer = """
    import socket, struct, sys
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    while True:
        one, _ = listener.accept()
        one.recv(65536)
        if sys.argv[1] == "reset":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif sys.argv[1] == "noise":
            one.sendall(b"220 mail.example.com ESMTP\\r\\n")
        one.close()
    """

  @Test(arguments: [
    ("reset", "http", "the connection to ORIGIN broke: Connection reset by peer"),
    ("close", "http", "the connection was closed before an answer came"),
    ("noise", "http", "no answer from ORIGIN: "), ("noise", "https", "no answer from ORIGIN: "),
  ])
  func whatBrokeIsSaid(_ behaviour: String, _ scheme: String, _ message: String) async throws {
    let peer = try ChildProcess(
      ChildCommand("/usr/bin/env", ["python3", "-c", Self.peer, behaviour]))
    while !peer.standardOutput.contains("\n"), peer.poll() == nil {
      try await Task.sleep(for: .milliseconds(5))
    }
    defer { peer.kill() }
    let port = try #require(peer.standardOutput.split(separator: "\n").first, "it does not listen")
    let origin = "\(scheme)://127.0.0.1:\(port)"
    let error = await #expect(throws: APIFailure.self) {
      _ = try await NetworkTransport().exchange(
        TransportRequest(method: "GET", url: origin + "/x", headers: [], body: nil),
        timeout: .seconds(60), limit: 100)
    }
    guard case .network(let text)? = error else {
      Issue.record("\(error as Any)")
      return
    }
    let expected = message.split(separator: "ORIGIN", omittingEmptySubsequences: false)
      .joined(separator: origin)
    #expect(text.hasPrefix(expected), "\(text)")
  }
}
