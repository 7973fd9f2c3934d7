internal import Cairn

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// By what an API knows who asks.
public enum APICredentials: Sendable, Hashable {
  /// It does not: what anybody may read.
  case anonymous
  /// A token, sent as `Authorization: Bearer …`.
  case bearer(Secret)
  /// A user's name, often a mail address, with a password or token.
  case basic(user: String, password: Secret)
  /// A GitHub App, in whose name tokens of an hour are asked for as they are needed.
  case gitHubApp(GitHubApp)
}

/// What asks a ``APICredentials`` for the header of the next request.
protocol CredentialSource: Sendable {
  /// Says whose budget of requests it is, the same for all that is one to the API. Never sent anywhere,
  /// and only its digest is kept.
  var identity: String { get }

  /// The value of the `Authorization` header; nil for none.
  func authorization(_ context: any PageContext) async throws -> Secret?

  /// Hears that a header was refused.
  ///
  /// - Returns: Whether there may be another one that is not.
  func refused(_ header: Secret?) async -> Bool
}

/// Credentials that stay what they are.
struct FixedCredentials: CredentialSource {
  let identity: String
  private let header: Secret?
  /// What is wrong with them.
  private let problem: String?

  init(_ header: Secret?, problem: String? = nil) {
    self.header = header
    self.problem = problem
    identity = header?.word ?? "anonymous"
  }

  init(user: String, password: Secret) {
    self.init(
      Secret("Basic " + Data("\(user):\(password.word)".utf8).base64EncodedString()),
      problem: password.problem)
  }

  init(bearer token: Secret) {
    self.init(Secret("Bearer " + token.word), problem: token.problem)
  }

  func authorization(_ context: any PageContext) async throws -> Secret? {
    if let problem {
      throw CursorSourceError.fatal(
        "the credentials cannot be sent: \(problem)", remedy: "Check where the token is read from.")
    }
    return header
  }

  func refused(_ header: Secret?) async -> Bool { false }
}
