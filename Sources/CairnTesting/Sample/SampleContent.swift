/// What a table holds, in figures that do not depend on the order of its rows.
///
/// Two tables of equal content have equal figures; unequal content with an equal digest would need
/// a collision of SHA-256 cut to 128 bits.
public struct SampleContent: Sendable, Hashable, Codable {
  /// How many rows there are.
  public var rows: Int
  /// The smallest key, by its bytes, or nil when there is none.
  public var minimumKey: String?
  /// The greatest key, by its bytes, or nil when there is none.
  public var maximumKey: String?
  /// For each column how many rows have a value.
  public var filled: [String: Int]
  /// For each numeric column the exact sum, in decimal notation with the column's own scale.
  public var sums: [String: String]
  /// The sum, modulo 2^128, over all rows of the first 16 bytes, big-endian, of SHA-256 over the
  /// row's canonical form; 32 hexadecimal digits.
  ///
  /// The canonical form of a row is each column's value, or one NUL where there is none, followed
  /// by one 0x1F. A text is its UTF-8; a number has all digits of its scale and a minus in front if
  /// it is negative; a date is `yyyy-MM-dd`, a timestamp `yyyy-MM-dd HH:mm:ss`.
  public var digest: String

  /// How `other`, which was found, differs from this content, one sentence for each difference;
  /// empty when it does not.
  public func differences(from other: SampleContent) -> [String] {
    var found: [String] = []
    if rows != other.rows { found.append("expected \(rows) rows, found \(other.rows)") }
    if minimumKey != other.minimumKey {
      found.append(
        "expected the smallest key \(minimumKey ?? "none"), found \(other.minimumKey ?? "none")")
    }
    if maximumKey != other.maximumKey {
      found.append(
        "expected the greatest key \(maximumKey ?? "none"), found \(other.maximumKey ?? "none")")
    }
    for (column, count) in filled.sorted(by: { $0.key < $1.key }) {
      let there = other.filled[column]
      if there != count {
        found.append(
          "column \(column): expected a value in \(count) rows, found \(there.map { "\($0)" } ?? "no such column")"
        )
      }
    }
    for (column, sum) in sums.sorted(by: { $0.key < $1.key }) {
      let there = other.sums[column]
      if there != sum {
        found.append("column \(column): expected the sum \(sum), found \(there ?? "none")")
      }
    }
    if digest != other.digest {
      found.append("expected the content digest \(digest), found \(other.digest)")
    }
    return found
  }
}
