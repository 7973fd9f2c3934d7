/// The fields that mean "no value", compared byte for byte after trimming.
struct NullTokens: Sendable {
  private let tokens: [[UInt8]]
  /// Bit n is set when a token has n bytes; bit 63 stands for 63 and more.
  private let lengths: UInt64

  init(_ tokens: [String]) {
    // Each token is trimmed, as the fields are.
    self.tokens = Array(
      Set(tokens.map { token in Array(token.utf8).withUnsafeBytes { Array($0.trimmed) } }))
    var lengths: UInt64 = 0
    for token in self.tokens { lengths |= 1 << UInt64(min(token.count, 63)) }
    self.lengths = lengths
  }

  /// Whether the (trimmed) field is one of them.
  @inline(__always)
  func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard lengths & (1 << UInt64(min(bytes.count, 63))) != 0 else { return false }
    return find(bytes)
  }

  @inline(never)
  private func find(_ bytes: UnsafeRawBufferPointer) -> Bool {
    for token in tokens where bytes.equals(token) { return true }
    return false
  }
}
