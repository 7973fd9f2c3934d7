import Cairn
import Dispatch

/// A connection to the server on a thread of its own, opened when it is first needed and again after
/// it broke. What is asked of it happens one after the other; callers do not block.
final class Lane: @unchecked Sendable {
  // @unchecked: `connection` is only touched on `queue`, which is serial; everything else is
  // constant.

  /// Where the server is, without secrets.
  let location: String
  private let address: String
  private let queue: DispatchQueue
  private var connection: Connection?

  /// The oldest server that Cairn works with: `hash_record_extended` came with it.
  private static let oldestVersion = 140_000

  init(_ address: ServerAddress, label: String) {
    self.address = address.connection
    location = address.location
    queue = DispatchQueue(label: "cairn.postgres.\(label)")
  }

  /// Does something with the connection. A transaction that it leaves open is rolled back.
  func perform<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws(SinkError) -> Value {
    let result: Result<Value, SinkError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(returning: self.attempt(body))
      }
    }
    return try result.get()
  }

  private func attempt<Value>(
    _ body: (Connection) throws -> Value
  ) -> Result<Value, SinkError> {
    do {
      let connection = try opened()
      defer { tidy(connection) }
      return .success(try body(connection))
    } catch {
      return .failure(classify(error))
    }
  }

  /// An error by what follows from it.
  func classify(_ error: any Error) -> SinkError {
    switch error {
    case let error as SinkError: error
    case let error as PostgresFailure: error.sinkError(location: location)
    case let error as ConnectionFailure: error.sinkError(location: location)
    default: .fatal("\(error)", remedy: "")
    }
  }

  private func opened() throws -> Connection {
    if let connection { return connection }
    let opened = try Connection(address)
    guard opened.serverVersion >= Self.oldestVersion else {
      throw SinkError.fatal(
        "\(location) is PostgreSQL \(opened.serverVersion / 10_000); Cairn needs 14 or later",
        remedy: "Load into a newer server.")
    }
    connection = opened
    return opened
  }

  private func tidy(_ connection: Connection) {
    // The error that counts was the first; one of ROLLBACK itself leaves nothing committed.
    if connection.isAlive, connection.isInTransaction { _ = try? connection.execute("ROLLBACK") }
    if !connection.isAlive { self.connection = nil }
  }
}
