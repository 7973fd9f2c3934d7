/// Who a source is: enough to find the run that may have loaded it, without reading it whole.
public struct SourceIdentity: Sendable, Hashable, Codable {
  /// A cheap fingerprint of the content: size and digests of head and tail. Equal content has an
  /// equal fingerprint; an equal fingerprint is only a candidate until the chunk digests agree,
  /// unless it is the digest of all the content: see ``content(digest:)``.
  public var fingerprint: String
  /// The absolute path, or nil when the source has none.
  public var path: String?
  /// Size in bytes as stored (compressed, if it is), or nil when it is not known.
  public var size: Int64?
  /// Modification time in nanoseconds since 1970, or nil.
  public var modifiedAt: Int64?

  /// Makes an identity from its parts.
  public init(fingerprint: String, path: String?, size: Int64?, modifiedAt: Int64?) {
    self.fingerprint = fingerprint
    self.path = path
    self.size = size
    self.modifiedAt = modifiedAt
  }

  /// The identity of a source that was read once, to its end.
  ///
  /// - Parameter digest: SHA-256 of all its bytes, in hexadecimal.
  public static func content(digest: String) -> SourceIdentity {
    SourceIdentity(fingerprint: contentPrefix + digest, path: nil, size: nil, modifiedAt: nil)
  }

  /// Whether the fingerprint is the digest of all the content, so that nothing needs comparing.
  var decidesContent: Bool { fingerprint.hasPrefix(Self.contentPrefix) }

  private static let contentPrefix = "sha256:"
}
