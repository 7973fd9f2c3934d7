#if canImport(Glibc)
  internal import CSpawn
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Starts a program that has nothing of this process but what it is given: no descriptor that another
/// thread has open, which would keep a pipe or a connection from ever ending (except with musl, which
/// cannot), and no blocked signal.
struct Spawn {
  /// The program, by its path or its name, and its arguments.
  var command: [String]
  /// All of its environment; nil for this process's.
  var environment: [String: String]?
  /// What it reads: a descriptor, or nil for nothing.
  var input: Int32?
  /// Files that its output and its errors are appended to; nil for nowhere.
  var output: (standard: String, error: String)?
  /// Whether it gets a group of its own, so that what ends this one at the terminal spares it.
  var hasOwnGroup = false

  /// Starts it.
  ///
  /// - Returns: Its id, or the error number.
  func start() -> Result<pid_t, SpawnFailure> {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }

    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    for (descriptor, path) in [(Int32(1), output?.standard), (2, output?.error)] {
      posix_spawn_file_actions_addopen(
        &actions, descriptor, path ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    var flags = POSIX_SPAWN_SETSIGMASK
    #if canImport(Darwin)
      flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
    #elseif canImport(Glibc)
      posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    #endif
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    if hasOwnGroup {
      flags |= POSIX_SPAWN_SETPGROUP
      posix_spawnattr_setpgroup(&attributes, 0)
    }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let arguments = command.map { strdup($0) } + [nil]
    let variables = environment.map { $0.map { strdup("\($0.key)=\($0.value)") } + [nil] }
    defer {
      for text in arguments { free(text) }
      for text in variables ?? [] { free(text) }
    }
    var id: pid_t = 0
    let status =
      if let variables {
        posix_spawnp(&id, command[0], &actions, &attributes, arguments, variables)
      } else {
        posix_spawnp(&id, command[0], &actions, &attributes, arguments, environ)
      }
    return status == 0 ? .success(id) : .failure(SpawnFailure(number: status))
  }
}

/// Why a program could not be started.
struct SpawnFailure: Error {
  /// The error number of the system.
  var number: Int32
  /// What it says.
  var reason: String { String(cString: strerror(number)) }
}
