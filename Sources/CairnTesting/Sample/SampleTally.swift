internal import Crypto

/// Adds up ``SampleContent`` row by row.
///
/// The generator uses it for what a table must hold; feed it the rows of a loaded table to compare.
public struct SampleTally: Sendable {
  /// The columns, in the order in which rows are given.
  public let columns: [String]
  private let scales: [Int?]
  private(set) var rows = 0
  private var digest: UInt128 = 0
  private var filled: [Int]
  private var sums: [Int128]
  /// The smallest and the greatest key.
  var minimumKey: String?
  /// The greatest key.
  var maximumKey: String?

  /// An empty tally of columns that are all text, as ``SampleColumn/all`` names them.
  public static func text() -> SampleTally {
    SampleTally(columns: SampleColumn.all.map(\.name), scales: SampleColumn.all.map { _ in nil })
  }

  /// An empty tally of the companion job's columns, as ``SampleColumn/typedNames`` lists them.
  public static func typed() -> SampleTally {
    SampleTally(
      columns: SampleColumn.typedNames, scales: SampleColumn.Typed.all.map(\.scale))
  }

  private init(columns: [String], scales: [Int?]) {
    self.columns = columns
    self.scales = scales
    filled = columns.map { _ in 0 }
    sums = columns.map { _ in 0 }
  }

  /// Adds a row of a loaded table, in the canonical form that ``SampleContent/digest`` describes;
  /// nil where there is no value. The first column is the key.
  ///
  /// - Throws: ``SampleTallyError`` when the row has another number of columns, or a numeric column
  ///   holds something else than a number of its scale.
  public mutating func add(row: [String?]) throws(SampleTallyError) {
    guard row.count == columns.count else {
      throw .columnCount(found: row.count, expected: columns.count)
    }
    var hash = SHA256()
    for (index, value) in row.enumerated() {
      guard let value else {
        hash.update(data: [0x00, 0x1F] as [UInt8])
        continue
      }
      filled[index] += 1
      if let scale = scales[index] {
        guard let number = Self.scaled(value, scale: scale) else {
          throw .notANumber(column: columns[index], scale: scale, found: value)
        }
        sums[index] += number
      }
      hash.update(data: Array(value.utf8))
      hash.update(data: [0x1F] as [UInt8])
    }
    finish(hash.finalize())
    if let key = row[0] {
      if minimumKey.map({ key.utf8.lexicographicallyPrecedes($0.utf8) }) ?? true {
        minimumKey = key
      }
      if maximumKey.map({ $0.utf8.lexicographicallyPrecedes(key.utf8) }) ?? true {
        maximumKey = key
      }
    }
  }

  /// What was added up.
  public var content: SampleContent {
    var filledByName: [String: Int] = [:]
    var sumsByName: [String: String] = [:]
    for (index, column) in columns.enumerated() {
      filledByName[column] = filled[index]
      if let scale = scales[index] {
        sumsByName[column] = Self.decimal(sums[index], scale: scale)
      }
    }
    let hexadecimal = String(digest, radix: 16)
    return SampleContent(
      rows: rows, minimumKey: minimumKey, maximumKey: maximumKey, filled: filledByName,
      sums: sumsByName,
      digest: String(repeating: "0", count: 32 - hexadecimal.count) + hexadecimal)
  }

  // MARK: For the generator, which has bytes

  /// Counts a value of the row that ``add(canonical:)`` ends.
  mutating func fill(column: Int) { filled[column] += 1 }

  /// Adds to a numeric column.
  mutating func add(_ value: Int128, toColumn column: Int) { sums[column] += value }

  /// Ends a row whose values were counted already.
  mutating func add(canonical row: UnsafeRawBufferPointer) {
    var hash = SHA256()
    hash.update(bufferPointer: row)
    finish(hash.finalize())
  }

  private mutating func finish(_ hash: SHA256.Digest) {
    var head: UInt128 = 0
    for byte in hash.prefix(16) { head = head << 8 | UInt128(byte) }
    digest &+= head
    rows += 1
  }

  /// What is left when the rows of another tally are taken away.
  func subtracting(_ other: SampleTally) -> SampleTally {
    var left = self
    left.rows -= other.rows
    left.digest &-= other.digest
    for index in columns.indices {
      left.filled[index] -= other.filled[index]
      left.sums[index] -= other.sums[index]
    }
    return left
  }

  // MARK: Decimals

  private static func scaled(_ text: String, scale: Int) -> Int128? {
    var digits = Array(text.utf8)
    let negative = digits.first == UInt8(ascii: "-")
    if negative { digits.removeFirst() }
    if scale > 0 {
      let point = digits.count - scale - 1
      guard point >= 1, digits[point] == UInt8(ascii: ".") else { return nil }
      digits.remove(at: point)
    }
    guard !digits.isEmpty, digits.count <= 30 else { return nil }
    var number: Int128 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      number = number * 10 + Int128(digit - UInt8(ascii: "0"))
    }
    return negative ? -number : number
  }

  private static func decimal(_ value: Int128, scale: Int) -> String {
    var digits = String(value.magnitude)
    if digits.utf8.count <= scale {
      digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits
    }
    if scale > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale)) }
    return value < 0 ? "-" + digits : digits
  }
}

/// Why a row cannot be added to a tally.
public enum SampleTallyError: Error, Hashable, CustomStringConvertible {
  /// The row has another number of columns than the tally.
  case columnCount(found: Int, expected: Int)
  /// A numeric column holds something else.
  case notANumber(column: String, scale: Int, found: String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .columnCount(let found, let expected):
      "a row has \(found) columns where the sample has \(expected)"
    case .notANumber(let column, let scale, let found):
      "column '\(column)' holds '\(found)' where a number with \(scale) digits after the point belongs"
    }
  }
}
