/// Column names made from the fields of a header.
enum HeaderNames {
  /// Names in lower case, of letters, digits and single underscores, each once.
  ///
  /// `Surat Pengantar Barang` becomes `surat_pengantar_barang`, `Größe (m³)` `grosse_m3`. Letters
  /// of the Latin script lose their accents, other letters are kept. A name that would start with
  /// a digit gets an underscore before it; an empty one is `column_` and its number, from 1. Names
  /// that clash are numbered: `name`, `name_2`, `name_3`, passing over numbers that another column
  /// has by itself.
  static func normalized(_ fields: [String]) -> [String] {
    let names = fields.enumerated().map { index, field in
      let name = normalized(field)
      return name.isEmpty ? "column_\(index + 1)" : name
    }
    let all = Set(names)
    var taken = Set<String>()
    return names.map { name in
      if taken.insert(name).inserted { return name }
      var number = 2
      while all.contains("\(name)_\(number)") || !taken.insert("\(name)_\(number)").inserted {
        number += 1
      }
      return "\(name)_\(number)"
    }
  }

  /// Names unchanged, but for empty ones, which are `column_` and their number, from 1.
  static func unchanged(_ fields: [String]) -> [String] {
    fields.enumerated().map { index, field in field.isEmpty ? "column_\(index + 1)" : field }
  }

  /// One name, without regard to others; empty when there is no letter or digit.
  static func normalized(_ field: String) -> String {
    var name = ""
    var needsUnderscore = false
    for scalar in field.unicodeScalars {
      // Combining accents of the Latin script belong to the letter before.
      if (0x300...0x36F).contains(scalar.value) { continue }
      let folded = LatinLetters.folded(scalar) ?? scalar.properties.lowercaseMapping
      for letter in folded.unicodeScalars where !(0x300...0x36F).contains(letter.value) {
        if isNamePart(letter) {
          if needsUnderscore, !name.isEmpty { name += "_" }
          needsUnderscore = false
          name.unicodeScalars.append(letter)
        } else {
          needsUnderscore = true
        }
      }
    }
    if let first = name.unicodeScalars.first, first.properties.numericType != nil {
      name = "_" + name
    }
    return name
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x30...0x39, 0x61...0x7A: return true
    case ..<0x80: return false
    default: break
    }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .nonspacingMark, .spacingMark:
      return true
    default: return false
    }
  }
}
