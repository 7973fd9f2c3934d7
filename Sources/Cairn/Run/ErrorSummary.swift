/// An error in words that may be stored and logged: without values of rows.
enum ErrorSummary {
  static func of(_ error: any Error) -> String {
    switch error {
    case LoadError.tooManyRejects(_, let chunk, let found, let allowed, _):
      "chunk \(chunk): \(found) rejected rows where \(allowed) are allowed"
    case let contradiction as TypeContradiction:
      "a value in column '\(contradiction.column)' contradicts the inferred type"
    default:
      "\(error)"
    }
  }
}
