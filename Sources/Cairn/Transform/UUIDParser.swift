/// Reads `uuid` (RFC 9562): 32 hexadecimal digits, bare or with dashes as 8-4-4-4-12, either way
/// also in braces.
enum UUIDParser {
  static func parse(_ bytes: UnsafeRawBufferPointer, into value: inout UInt128) -> ValueDefect {
    var bytes = bytes
    if bytes.count > 2, bytes[0] == 0x7B, bytes[bytes.count - 1] == 0x7D {
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1])
    }
    let hasDashes = bytes.count == 36
    guard hasDashes || bytes.count == 32 else { return .notOfType }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for position in 0..<bytes.count {
      let byte = bytes[position]
      if hasDashes, position == 8 || position == 13 || position == 18 || position == 23 {
        guard byte == 0x2D else { return .notOfType }
        continue
      }
      let digit: UInt8
      if byte.digitValue < 10 {
        digit = byte.digitValue
      } else {
        digit = byte.asciiLowercased &- 0x61 &+ 10
        guard (10..<16).contains(digit) else { return .notOfType }
      }
      high = high << 4 | low >> 60
      low = low << 4 | UInt64(digit)
    }
    value = UInt128(high) << 64 | UInt128(low)
    return .none
  }
}
