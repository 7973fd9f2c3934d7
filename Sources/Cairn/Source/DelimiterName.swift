/// How jobs and commands write delimiters.
enum DelimiterName {
  /// The bytes of a delimiter: the text itself, in the source's encoding, in which `\t` and `tab`
  /// stand for a tab and `\x01` or `0x01` for the byte of that number. Nil when the encoding lacks
  /// a character.
  static func bytes(_ name: String, _ encoding: TextEncoding) -> [UInt8]? {
    if name == "\\t" || name == "tab" { return [0x09] }
    for prefix in ["\\x", "0x"] where name.hasPrefix(prefix) && name.utf8.count == 4 {
      if let byte = UInt8(name.dropFirst(2), radix: 16) { return [byte] }
    }
    return WesternText.bytes(name, encoding)
  }
}
