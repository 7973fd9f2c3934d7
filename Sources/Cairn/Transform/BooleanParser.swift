/// Reads `boolean` by words, ASCII letters of either case being equal.
struct BooleanParser: Sendable {
  /// The words that mean true unless a job names its own.
  static let trueWords = ["true", "t", "yes", "y", "1"]
  /// The words that mean false unless a job names its own.
  static let falseWords = ["false", "f", "no", "n", "0"]

  private let trueWords: [[UInt8]]
  private let falseWords: [[UInt8]]
  /// Whether a word is the empty one: it comes before the null tokens then.
  private let namesOwnWords: Bool

  /// Takes the words of a job; an empty list stands for the default words, less those that the
  /// other list names.
  init(trueWords: [String], falseWords: [String]) {
    let lowercased = { (words: [String]) in words.map { $0.utf8.map(\.asciiLowercased) } }
    var yes = lowercased(trueWords)
    var no = lowercased(falseWords)
    if yes.isEmpty { yes = lowercased(Self.trueWords).filter { !no.contains($0) } }
    if no.isEmpty { no = lowercased(Self.falseWords).filter { !yes.contains($0) } }
    self.trueWords = yes
    self.falseWords = no
    namesOwnWords = !trueWords.isEmpty || !falseWords.isEmpty
  }

  /// Whether the field is a word of the job's own, so that it is not looked up among null tokens.
  @inline(__always)
  func claims(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var ignored = false
    return namesOwnWords && parse(bytes, into: &ignored) == .none
  }

  @inline(__always)
  func parse(_ bytes: UnsafeRawBufferPointer, into value: inout Bool) -> ValueDefect {
    for word in trueWords where bytes.equalsIgnoringCase(word) {
      value = true
      return .none
    }
    for word in falseWords where bytes.equalsIgnoringCase(word) {
      value = false
      return .none
    }
    return .notOfType
  }
}
