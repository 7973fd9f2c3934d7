/// Letters of the Latin script in plain ASCII.
enum LatinLetters {
  /// The lower-case ASCII letters that stand for an accented or joined letter (U+00AA to U+017F),
  /// a superscript digit or a ligature; nil for any other character.
  static func folded(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0xAA: return "a"
    case 0xBA: return "o"
    case 0xB2: return "2"
    case 0xB3: return "3"
    case 0xB9: return "1"
    case 0xB5: return "u"
    case 0xC0...0xFF: return latin1[Int(scalar.value) - 0xC0]
    case 0x100...0x17F: return latinExtendedA[Int(scalar.value) - 0x100]
    default: return nil
    }
  }

  private static let latin1: [String?] = split(
    "a a a a a a ae c e e e e i i i i d n o o o o o - o u u u u y th ss "
      + "a a a a a a ae c e e e e i i i i d n o o o o o - o u u u u y th y")

  private static let latinExtendedA: [String?] = split(
    "a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g g g g g "
      + "h h h h i i i i i i i i i i ij ij j j k k k l l l l l l l l l l "
      + "n n n n n n n n n o o o o o o oe oe r r r r r r s s s s s s s s "
      + "t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s")

  private static func split(_ letters: String) -> [String?] {
    letters.split(separator: " ").map { $0 == "-" ? nil : String($0) }
  }
}
