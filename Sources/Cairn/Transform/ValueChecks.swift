internal import Parquet

/// What a column demands of its values, in memory as its type has them.
struct ValueChecks<Value: Comparable & Sendable>: Sendable {
  var minimum: Value?
  var maximum: Value?
  /// The values allowed, ascending; empty when all are.
  var allowed: [Value] = []
  var defaultValue: Value?

  /// Whether every value passes.
  var areEmpty: Bool { minimum == nil && maximum == nil && allowed.isEmpty }

  @inline(__always)
  func verdict(on value: Value) -> ValueDefect {
    if let minimum, value < minimum { return .belowMinimum }
    if let maximum, value > maximum { return .aboveMaximum }
    if !allowed.isEmpty, !contains(value) { return .notAllowed }
    return .none
  }

  private func contains(_ value: Value) -> Bool {
    var low = 0
    var high = allowed.count
    while low < high {
      let middle = (low + high) / 2
      if allowed[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < allowed.count && allowed[low] == value
  }
}

/// What a text column demands of its values. Texts compare byte by byte, which is the order of
/// their Unicode scalars.
struct TextChecks: Sendable {
  var minimum: [UInt8]?
  var maximum: [UInt8]?
  /// The texts allowed, ascending; empty when all are.
  var allowed: [[UInt8]] = []
  /// A regular expression that the whole text must match. Compiled for each batch, since a compiled
  /// one cannot be shared between threads.
  var pattern: String?
  /// The most Unicode scalars.
  var maxLength: Int?
  var defaultValue: [UInt8]?
  /// Whether the text must be JSON.
  var mustBeJSON = false

  var areEmpty: Bool {
    minimum == nil && maximum == nil && allowed.isEmpty && pattern == nil && maxLength == nil
      && !mustBeJSON
  }

  /// Compiles a pattern; it matches by Unicode scalars.
  static func compile(_ pattern: String) throws -> Regex<AnyRegexOutput> {
    try Regex(pattern).matchingSemantics(.unicodeScalar)
  }

  func verdict(
    on bytes: UnsafeRawBufferPointer, matcher: Regex<AnyRegexOutput>?
  ) -> ValueDefect {
    if mustBeJSON, !JSONScanner.isValid(bytes) { return .notOfType }
    if let minimum, bytes.lexicographicallyPrecedes(minimum) { return .belowMinimum }
    if let maximum, maximum.lexicographicallyPrecedes(bytes) { return .aboveMaximum }
    if !allowed.isEmpty, !contains(bytes) { return .notAllowed }
    if let matcher {
      let text = String(decoding: bytes, as: UTF8.self)
      // Matching itself throws only for patterns whose transformations throw; there are none.
      guard let match = try? matcher.wholeMatch(in: text), !match.range.isEmpty || text.isEmpty
      else { return .patternMismatch }
    }
    if let maxLength, bytes.count > maxLength {
      // Every scalar has one byte that is not a continuation.
      let scalars = bytes.reduce(into: 0) { count, byte in count += byte & 0xC0 == 0x80 ? 0 : 1 }
      if scalars > maxLength { return .tooLong }
    }
    return .none
  }

  private func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var low = 0
    var high = allowed.count
    while low < high {
      let middle = (low + high) / 2
      if allowed[middle].lexicographicallyPrecedes(bytes) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < allowed.count && bytes.equals(allowed[low])
  }
}
