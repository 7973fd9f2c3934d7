/// What follows from an error of PostgreSQL, by its SQLSTATE.
///
/// Decided by class, with single codes that differ from their class named. A class that is not
/// listed is fatal. `docs/postgres-errors.md` has the same table for people.
enum SQLState {
  /// What follows.
  enum Consequence: Hashable {
    /// It may work if tried again.
    case transient
    /// It says something about a row.
    case data
    /// It will not work however often it is tried.
    case fatal(remedy: String)
  }

  /// What follows from an error outside of the writing of rows.
  static func consequence(of state: String) -> Consequence {
    if let single = singles[state] { return single }
    return classes[String(state.prefix(2))] ?? .fatal(remedy: "")
  }

  /// Whether an error that was raised while rows were written says something about a row: then the
  /// row is found by halving and rejected.
  ///
  /// - Parameter mayWrite: Whether the role may write the table at all, without which 42501 is not
  ///   about a row.
  static func isAboutARow(_ state: String, mayWrite: Bool) -> Bool {
    switch state {
    // Raised by triggers: RAISE EXCEPTION, and what a function of theirs stumbles over.
    case "P0001", "XX000": true
    // A row that row-level security forbids.
    case "42501": mayWrite
    // An index entry that is too long, or another limit that a row exceeds.
    case let state where state.hasPrefix("54"): true
    default: consequence(of: state) == .data
    }
  }

  private static let singles: [String: Consequence] = [
    "25006": .transient,
    "55P03": .transient,
    "57014": .transient,
    "55006": .transient,
    "0A000": .fatal(
      remedy: "The server or the table does not support what Cairn needs; see the message."),
    "25P03": .transient,
    "25P04": .transient,
    "42501": .fatal(
      remedy: "Grant the role the missing privilege; docs/postgres.md lists what Cairn needs."),
    "42P01": .fatal(
      remedy: "A table is missing. If it is one of Cairn's own, create them with: cairn schema "
        + "--print-sql"),
    "3F000": .fatal(
      remedy: "A schema is missing. If it is Cairn's own, create it with: cairn schema --print-sql"),
  ]

  private static let classes: [String: Consequence] = [
    // Successful completion, warning, no data: never raised as an error.
    "00": .fatal(remedy: ""), "01": .fatal(remedy: ""), "02": .fatal(remedy: ""),
    // SQL statement not yet complete.
    "03": .fatal(remedy: ""),
    // Connection exception.
    "08": .transient,
    // Triggered action exception.
    "09": .fatal(remedy: ""),
    // Feature not supported.
    "0A": .fatal(remedy: ""),
    // Invalid transaction initiation, locator, grantor, role specification.
    "0B": .fatal(remedy: ""), "0F": .fatal(remedy: ""), "0L": .fatal(remedy: ""),
    "0P": .fatal(remedy: ""),
    // Diagnostics exception, case not found.
    "0Z": .fatal(remedy: ""), "20": .fatal(remedy: ""),
    // Cardinality violation.
    "21": .fatal(remedy: ""),
    // Data exception, integrity constraint violation.
    "22": .data, "23": .data,
    // Invalid cursor state, invalid transaction state, invalid statement name.
    "24": .fatal(remedy: ""), "25": .fatal(remedy: ""), "26": .fatal(remedy: ""),
    // Triggered data change violation.
    "27": .fatal(remedy: "A trigger of the table changes the row that is being written."),
    // Invalid authorization.
    "28": .fatal(remedy: "Check user, password and pg_hba.conf."),
    // Dependent privilege descriptors, invalid transaction termination.
    "2B": .fatal(remedy: ""), "2D": .fatal(remedy: ""),
    // SQL routine exception, invalid cursor name, external routine exceptions, savepoint exception.
    "2F": .fatal(remedy: ""), "34": .fatal(remedy: ""), "38": .fatal(remedy: ""),
    "39": .fatal(remedy: ""), "3B": .fatal(remedy: ""),
    // Invalid catalog (database) name.
    "3D": .fatal(remedy: "Check the database's name, or create the database."),
    // Invalid schema name.
    "3F": .fatal(remedy: ""),
    // Transaction rollback: serialization, deadlock.
    "40": .transient,
    // Syntax error or access rule violation.
    "42": .fatal(remedy: "Check that the table is what the job expects: cairn check"),
    // WITH CHECK OPTION violation.
    "44": .data,
    // Insufficient resources: disk, memory, connections.
    "53": .transient,
    // Program limit exceeded.
    "54": .fatal(remedy: ""),
    // Object not in prerequisite state.
    "55": .fatal(remedy: ""),
    // Operator intervention: shutdown, crash, starting up.
    "57": .transient,
    // System error: the server's operating system.
    "58": .fatal(remedy: "Look into the server's log, mend its disk or system, and resume."),
    // Snapshot too old.
    "72": .transient,
    // Configuration file error, foreign data wrapper, PL/pgSQL, internal error.
    "F0": .fatal(remedy: ""), "HV": .fatal(remedy: ""), "P0": .fatal(remedy: ""),
    "XX": .fatal(remedy: "Look into the server's log."),
  ]

  /// Every class that PostgreSQL documents.
  static var documentedClasses: [String] { classes.keys.sorted() }
}
