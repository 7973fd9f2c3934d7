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
    // Of bytes: a job with thousands of partitions does this at every page.
    var text: [UInt8] = []
    var previous: [UInt8] = []
    for name in names {
      let bytes = Array(name.utf8)
      let shared = sharedScalars(previous, bytes)
      if !text.isEmpty { text.append(UInt8(ascii: "\n")) }
      text += digits[shared.scalars].utf8
      text += bytes[shared.bytes...]
      previous = bytes
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// How many scalars two texts begin with alike, and in how many bytes.
  private static func sharedScalars(
    _ left: [UInt8], _ right: [UInt8]
  ) -> (scalars: Int, bytes: Int) {
    var shared = (scalars: 0, bytes: 0)
    var position = 0
    let limit = min(left.count, right.count)
    while shared.scalars < digits.count - 1 {
      // To the end of the scalar.
      repeat {
        guard position < limit, left[position] == right[position] else { return shared }
        position += 1
      } while position < right.count && right[position] & 0xC0 == 0x80
      shared = (shared.scalars + 1, position)
    }
    return shared
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
