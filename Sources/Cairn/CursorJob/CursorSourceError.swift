/// Why a source has no page, by what follows from it.
public enum CursorSourceError: Error, Sendable, CustomStringConvertible {
  /// It may work if tried again: an error of the network or the server. The source has tried already as
  /// often as its retry policy says.
  case transient(String)
  /// The cursor is not accepted any more. The partition begins anew; its rows are written again to the
  /// same keys.
  case cursorRefused(String)
  /// It will not work however often it is tried, credentials above all; `remedy` says what to do.
  case fatal(String, remedy: String)

  /// What is wrong, in a sentence or two.
  public var description: String {
    switch self {
    case .transient(let message), .cursorRefused(let message): message
    case .fatal(let message, let remedy): remedy.isEmpty ? message : "\(message)\n\(remedy)"
    }
  }
}
