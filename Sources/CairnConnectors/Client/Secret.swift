/// A word that must be shown to nobody: a token, a password, a private key.
///
/// Whatever shows a value of any type (`print`, `dump`, string interpolation, a debugger's summary)
/// shows `•••` here. It is not `Codable`, so that no file can come to hold it.
public struct Secret: Sendable, Hashable {
  /// The word itself, for the one place that sends it.
  package let word: String

  /// Wraps a word. White space around it, such as the line end of a file it was read from, is left out.
  public init(_ word: String) {
    var word = word[...]
    while word.last?.isWhitespace == true { word.removeLast() }
    self.word = String(word.drop(while: \.isWhitespace))
  }

  /// Whether there is no word.
  public var isEmpty: Bool { word.isEmpty }

  /// What is wrong with it as a token or password, which no header can carry then; nil if nothing is.
  /// Says nothing of the word itself.
  var problem: String? {
    word.unicodeScalars.contains { $0.properties.generalCategory == .control }
      ? "it holds a line end or another control character; give the token alone, in one line" : nil
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `•••`.
  public var description: String { "•••" }
  /// `•••`.
  public var debugDescription: String { "•••" }
  /// Nothing to see.
  public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
