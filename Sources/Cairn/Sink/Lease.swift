/// The process that wants to own a run.
public struct LeaseOwner: Sendable, Hashable, Codable {
  /// The host's name.
  public var host: String
  /// The process id.
  public var pid: Int32
  /// When that process started, as its host tells it, so that a reused pid is not mistaken for it.
  public var processStart: String

  /// Makes an owner.
  public init(host: String, pid: Int32, processStart: String) {
    self.host = host
    self.pid = pid
    self.processStart = processStart
  }
}

/// The right to commit for a run, until it expires or is taken over.
public struct Lease: Sendable, Hashable, Codable {
  /// The run.
  public var syncID: SyncID
  /// Rises with every owner; a commit under an older one is refused.
  public var fence: Int64
  /// A random token, compared for equality in every commit.
  public var token: String

  /// Makes a lease.
  public init(syncID: SyncID, fence: Int64, token: String) {
    self.syncID = syncID
    self.fence = fence
    self.token = token
  }

  /// A token that nobody else has: 128 random bits in hex.
  package static func randomToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let word = String(generator.next(), radix: 16)
      return String(repeating: "0", count: 16 - word.count) + word
    }.joined()
  }
}

/// Who holds a lease and how long.
public struct LeaseHolder: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The process.
  public var owner: LeaseOwner
  /// Its fence.
  public var fence: Int64
  /// When the lease expires unless it is renewed, by the sink's clock, in ISO 8601 UTC.
  public var expiresAt: String

  /// Makes a holder.
  public init(owner: LeaseOwner, fence: Int64, expiresAt: String) {
    self.owner = owner
    self.fence = fence
    self.expiresAt = expiresAt
  }

  /// `process 4711 on host01 (lease until …)`.
  public var description: String {
    "process \(owner.pid) on \(owner.host) (lease until \(expiresAt))"
  }
}

/// Whether a lease was acquired.
public enum LeaseOutcome: Sendable {
  /// It is the caller's; the record as of now, its attempt counted.
  case acquired(Lease, RunRecord)
  /// Somebody else has it.
  case held(LeaseHolder)
}
