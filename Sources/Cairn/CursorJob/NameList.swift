/// Many names as one short text: each without what it shares with the one before it.
///
/// `apache/arrow` and `apache/avro` become `0apache/arrow` and `8vro`; the first character says in base
/// 62 how many Unicode scalars are shared.
enum NameList {
  private static let digits = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  private static let values = Dictionary(
    uniqueKeysWithValues: digits.enumerated().map { ($1.unicodeScalars.first, $0) })

  /// Whether a name can be in such a text.
  static func mayHold(_ name: String) -> Bool {
    !name.isEmpty && !name.utf8.contains(UInt8(ascii: "\n"))
  }

  /// - Parameter names: Names that may be held, at best in order.
  static func encode(_ names: [String]) -> String {
    var text = ""
    var previous: [UnicodeScalar] = []
    for name in names {
      let scalars = Array(name.unicodeScalars)
      var shared = 0
      let limit = min(previous.count, scalars.count, digits.count - 1)
      while shared < limit, previous[shared] == scalars[shared] { shared += 1 }
      if !text.isEmpty { text.append("\n") }
      text.append(digits[shared])
      text.unicodeScalars.append(contentsOf: scalars[shared...])
      previous = scalars
    }
    return text
  }

  /// The names; nil when the text is none of ``encode(_:)``.
  static func decode(_ text: String) -> [String]? {
    guard !text.isEmpty else { return [] }
    var names: [String] = []
    var previous: [UnicodeScalar] = []
    for line in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let first = line.first, let shared = values[first], shared <= previous.count else {
        return nil
      }
      let scalars = previous[..<shared] + line.dropFirst()
      guard !scalars.isEmpty else { return nil }
      var name = String.UnicodeScalarView()
      name.append(contentsOf: scalars)
      names.append(String(name))
      previous = Array(scalars)
    }
    return names
  }
}
