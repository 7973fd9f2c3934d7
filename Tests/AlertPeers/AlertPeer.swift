internal import CairnTesting
internal import Foundation

/// A server of `Tests/Peers/alert_peers.py`, which ends with its last reference.
public final class AlertPeer: Sendable {
  /// The port that it listens on, at 127.0.0.1.
  public let port: Int
  /// What it said when it was started.
  private let process: ChildProcess

  /// Why a server cannot be had.
  public struct Failure: Error, CustomStringConvertible {
    /// In a sentence.
    public var description: String
  }

  /// A request, as the listener saw it.
  public struct Request: Decodable, Sendable, Equatable {
    /// `POST`.
    public var method: String
    /// `/hook`.
    public var path: String
    /// The header of that name.
    public var contentType: String?
    /// What was sent.
    public var body: String
    /// What was answered.
    public var status: Int
  }

  /// A mail, as Python's `email` reads it.
  public struct Mail: Decodable, Sendable {
    /// Whom the envelope is from.
    public var sender: String
    /// Whom the envelope is for.
    public var recipients: [String]
    /// Whether it came by TLS.
    public var overTLS: Bool
    /// Whether the sender was logged in.
    public var isLoggedIn: Bool
    /// Names and decoded values.
    public var headers: [[String]]
    /// What is against the rules.
    public var defects: [String]
    /// Its date.
    public var secondsSince1970: Int64
    /// Bytes of its longest line.
    public var longestLine: Int
    /// The decoded body.
    public var text: String

    /// The decoded value of a header.
    public func header(_ name: String) -> String? { headers.first { $0.first == name }?.last }
  }

  /// A login that was tried.
  public struct Login: Decodable, Sendable, Equatable {
    /// Whose.
    public var login: String
    /// Whether it came by TLS.
    public var overTLS: Bool
  }

  /// Starts a server and waits until it listens.
  public init(_ arguments: String...) async throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let venv =
      ProcessInfo.processInfo.environment["CAIRN_VENV"]
      ?? root.deletingLastPathComponent().appending(path: ".venv").path
    let python = venv + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw Failure(description: "no Python peers at \(venv); make them with: make venv")
    }
    let script = root.appending(path: "Peers/alert_peers.py").path
    process = try ChildProcess(ChildCommand(python, [script] + arguments))
    struct Listening: Decodable { var port: Int }
    while true {
      let lines: [Listening] = Self.lines(of: process.standardOutput)
      if let line = lines.first {
        port = line.port
        return
      }
      if let end = process.poll() {
        throw Failure(
          description: "alert_peers.py ended (\(end)); it needs aiosmtpd: make venv\n"
            + process.standardError)
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// `http://127.0.0.1:PORT`.
  public var address: String { "http://127.0.0.1:\(port)" }

  /// The requests so far.
  public var requests: [Request] { Self.lines(of: process.standardOutput) }

  /// The mails so far.
  public var mails: [Mail] { Self.lines(of: process.standardOutput) }

  /// The logins so far.
  public var logins: [Login] { Self.lines(of: process.standardOutput) }

  /// The port of a server that is gone: nobody listens there.
  public static func deadPort() async throws -> Int { try await AlertPeer("http").port }

  /// The lines of one form.
  private static func lines<Line: Decodable>(of output: String) -> [Line] {
    output.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }
}
