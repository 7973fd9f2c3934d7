public import Cairn

/// Where registries of stages can be tried.
public struct RegistryPlace: Sendable {
  /// Makes a registry of the place. Each is as one in another process is.
  public var makeRegistry: @Sendable () async throws -> any StageRegistry
  /// Whether an execution is kept by a lease that expires and can be taken over; otherwise by a lock that
  /// lasts as long as the process.
  public var hasLeases: Bool

  /// Makes a place.
  public init(
    hasLeases: Bool, makeRegistry: @escaping @Sendable () async throws -> any StageRegistry
  ) {
    self.hasLeases = hasLeases
    self.makeRegistry = makeRegistry
  }
}

/// One thing that every registry of stages must do.
public struct RegistryCheck: Sendable, CustomStringConvertible {
  /// What it must do, as a sentence.
  public var name: String
  private var body: @Sendable (RegistryPlace) async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (RegistryPlace) async throws -> Void) {
    self.name = name
    self.body = body
  }

  /// The name.
  public var description: String { name }

  /// Checks a registry.
  ///
  /// - Parameter place: One without anything in it, which nothing else uses.
  /// - Throws: ``BatteryFailure``, or what the registry throws where it should not.
  public func run(on place: RegistryPlace) async throws { try await body(place) }
}

/// What every ``StageRegistry`` must do, to be run against each implementation.
public enum RegistryBattery {
  /// All checks, each independent of the others.
  public static let checks: [RegistryCheck] = CheckpointChecks.all + ExecutionChecks.all
}
