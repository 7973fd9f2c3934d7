/// A GitHub App that is installed where the repositories are.
public struct GitHubApp: Sendable, Hashable {
  /// The App's id, or its client id.
  public var id: String
  /// The installation's id: the number at the end of the address of its settings.
  public var installation: Int64
  /// The App's private key, in PEM form (PKCS#1 as GitHub gives it, or PKCS#8).
  public var privateKey: Secret
  /// Where tokens are asked for: GitHub's REST API.
  public var address: APIAddress

  /// Describes an App.
  public init(id: String, installation: Int64, privateKey: Secret, address: APIAddress) {
    self.id = id
    self.installation = installation
    self.privateKey = privateKey
    self.address = address
  }
}
