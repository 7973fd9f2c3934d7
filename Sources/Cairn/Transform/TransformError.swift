/// Why a chunk's rows cannot be made into the target's.
public enum TransformError: Error, Equatable, CustomStringConvertible {
  /// The source has no column of a name that the job refers to.
  case missingColumns([MissingColumn])
  /// The source has columns that the job does not name, and `extra_columns` is `error`.
  case extraColumns([String])
  /// A rule makes no sense: `path` names it as a job file does, `message` says why.
  case badRule(path: String, message: String)
  /// A transform of the user's returned another number of rows than it was given.
  case rowCountChanged(given: Int, returned: Int)
  /// A transform of the user's returned other columns than it was given.
  case columnsChanged(expected: [String], returned: [String])
  /// A chunk's columns are not those that the layout names.
  case layoutMismatch(expected: [String], found: [String])

  /// A column that a source lacks.
  public struct MissingColumn: Sendable, Equatable {
    /// The name the job gives.
    public var name: String
    /// The target column that needs it.
    public var target: String
    /// The nearest name the source has, or nil.
    public var nearest: String?

    /// Makes a description of a missing column.
    public init(name: String, target: String, nearest: String?) {
      self.name = name
      self.target = target
      self.nearest = nearest
    }
  }

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .missingColumns(let columns):
      columns.map { column in
        var text = "the source has no column '\(column.name)'"
        if column.target != column.name { text += ", which '\(column.target)' is made from" }
        if let nearest = column.nearest { text += "; did you mean '\(nearest)'?" }
        return text
      }.joined(separator: "\n")
    case .extraColumns(let names):
      "the source has columns that the job does not name: \(names.joined(separator: ", ")); "
        + "name them, or set source.extra_columns to ignore, add or json"
    case .badRule(let path, let message):
      "\(path): \(message)"
    case .rowCountChanged(let given, let returned):
      "the transform was given \(given) rows and returned \(returned); it must return as many"
    case .columnsChanged(let expected, let returned):
      "the transform must return the columns \(expected.joined(separator: ", ")) with their types; "
        + "it returned \(returned.joined(separator: ", "))"
    case .layoutMismatch(let expected, let found):
      "the chunk has the columns \(found.joined(separator: ", ")) instead of "
        + expected.joined(separator: ", ")
    }
  }
}
