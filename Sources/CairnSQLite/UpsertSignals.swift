import GRDBSQLite

/// Tells an insert from an update and an update from a row that was equal, for every kind of table:
/// the upsert statement calls functions of ours, one when it meets the key, one when the row differs,
/// and one when the row there is of a newer state.
///
/// Neither `sqlite3_last_insert_rowid` nor the update hook would do: WITHOUT ROWID tables have
/// neither, and triggers may write to other tables in between.
struct UpsertSignals {
  private let flags: UnsafeMutablePointer<Int32>

  /// Defines the functions on a connection, as long as it is open.
  ///
  /// Once per connection: defining a function makes every prepared statement be compiled again.
  init(_ connection: OpaquePointer) throws {
    flags = .allocate(capacity: 3)
    flags.initialize(repeating: 0, count: 3)
    try Self.define(MergeSQL.newerFunction, flags + 2, on: connection, isOwner: false)
    try Self.define(MergeSQL.differsFunction, flags + 1, on: connection, isOwner: false)
    try Self.define(MergeSQL.conflictFunction, flags, on: connection, isOwner: true)
  }

  /// Forgets the signals of the statement before.
  @inline(__always)
  func clear() {
    flags[0] = 0
    flags[1] = 0
    flags[2] = 0
  }

  /// Whether the key was there.
  @inline(__always)
  var sawConflict: Bool { flags[0] != 0 }

  /// Whether the row there differed.
  @inline(__always)
  var sawDifference: Bool { flags[1] != 0 }

  /// Whether the row there was left alone because it is of a newer state.
  @inline(__always)
  var sawNewer: Bool { flags[2] != 0 }

  // Not declared deterministic, so that SQLite calls them for each row anew. The owner's flags are
  // freed by SQLite when it drops the function, or when it does not accept it.
  private static func define(
    _ name: String, _ flag: UnsafeMutablePointer<Int32>, on connection: OpaquePointer,
    isOwner: Bool
  ) throws {
    let code = sqlite3_create_function_v2(
      connection, name, 0, SQLITE_UTF8, flag,
      { context, _, _ in
        sqlite3_user_data(context)?.assumingMemoryBound(to: Int32.self).pointee = 1
        sqlite3_result_int(context, 1)
      }, nil, nil, isOwner ? { $0?.deallocate() } : nil)
    guard code == SQLITE_OK else { throw SQLiteFailure(of: connection) }
  }
}
