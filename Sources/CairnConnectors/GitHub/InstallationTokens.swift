internal import Cairn
internal import JWTKit

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The tokens of an App's installation, each good for an hour: asked for when needed, and anew before
/// the last one expires.
actor InstallationTokens: CredentialSource {
  nonisolated let identity: String
  private let app: GitHubApp
  private let environment: RunEnvironment
  private let client: APIClient
  private var current: (header: Secret, expires: Int64)?
  private var isRenewing = false

  /// How long before its end a token is renewed, in nanoseconds.
  private static let margin: Int64 = 300_000_000_000

  init(_ app: GitHubApp, environment: RunEnvironment, transport: any Transport) {
    self.app = app
    self.environment = environment
    identity = "installation \(app.installation) of \(app.id)"
    client = APIClient(
      address: app.address, source: AppSigner(app, environment: environment),
      options: APIClientOptions(
        service: "GitHub", timeout: .seconds(30), maximumAnswer: 1 << 20,
        headers: [("X-GitHub-Api-Version", "2022-11-28")],
        remedies: [
          401: "Check the App's id and private key, and this machine's clock.",
          404: "Check the number of the installation.",
        ]), environment: environment, transport: transport)
  }

  func authorization(_ context: any PageContext) async throws -> Secret? {
    let now = environment.now()
    if let current, now < current.expires {
      // While one renews it, others go on with what is still good.
      if now < current.expires - Self.margin || isRenewing { return current.header }
    }
    isRenewing = true
    defer { isRenewing = false }
    let path = "/app/installations/\(app.installation)/access_tokens"
    let answer = try await client.json(
      APIRequest(.post, path, body: Array("{}".utf8)), context: context)
    guard let token = answer["token"].string, let text = answer["expires_at"].string,
      let expires = Instant(text).flatMap(HTTPDate.nanoseconds)
    else {
      throw CursorSourceError.fatal(
        "GitHub's answer for a token of the App has no 'token' and 'expires_at'",
        remedy: "Check the API's address (\(app.address)).")
    }
    // By the local clock.
    let ahead = (client.serverTime ?? environment.now()) - environment.now()
    let header = Secret("Bearer " + token)
    current = (header, expires - ahead)
    return header
  }

  func refused(_ header: Secret?) async -> Bool {
    // Somebody else may have renewed it meanwhile.
    if current?.header == header { current = nil }
    return true
  }
}

/// Signs what an App shows to get a token: a JWT (RFC 7519) by RS256, good for some minutes.
private struct AppSigner: CredentialSource {
  let identity: String
  private let app: GitHubApp
  private let environment: RunEnvironment

  init(_ app: GitHubApp, environment: RunEnvironment) {
    self.app = app
    self.environment = environment
    identity = "app \(app.id)"
  }

  private struct Claims: JWTPayload {
    var iss: String
    var iat: Int64
    var exp: Int64

    func verify(using algorithm: some JWTAlgorithm) async throws {}
  }

  func authorization(_ context: any PageContext) async throws -> Secret? {
    let keys = JWTKeyCollection()
    do {
      let key = try Insecure.RSA.PrivateKey(pem: app.privateKey.word)
      await keys.add(rsa: key, digestAlgorithm: .sha256)
      // Begun a minute ago, as GitHub advises, for clocks that differ; ten minutes are the most.
      let now = environment.now() / 1_000_000_000
      let claims = Claims(iss: app.id, iat: now - 60, exp: now + 480)
      return Secret("Bearer " + (try await keys.sign(claims)))
    } catch {
      // The error's own words may show parts of the key.
      throw CursorSourceError.fatal(
        "the private key of GitHub App \(app.id) cannot be used",
        remedy: "Give the whole PEM file that GitHub made, from -----BEGIN to -----END.")
    }
  }

  func refused(_ header: Secret?) async -> Bool { false }
}
