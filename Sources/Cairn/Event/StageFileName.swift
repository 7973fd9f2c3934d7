/// Names of files in the folder of stage logs.
enum StageFileName {
  private static let longest = 120

  /// `data_extraction.log`; what a file name should not have is escaped as `%2F`, so that no stage's
  /// name leads out of the folder and no two share a file.
  static func of(_ stage: String) -> String {
    var name = ""
    for byte in stage.utf8 {
      let isPlain =
        byte.digitValue < 10 || (byte.asciiLowercased &- 0x61) < 26 || byte == 0x5F || byte == 0x2D
        || (byte == 0x2E && !name.isEmpty)
      if isPlain {
        name.unicodeScalars.append(UnicodeScalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        name += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    if name.utf8.count > longest {
      var digest = ContentDigest()
      digest.update(stage.utf8)
      name = String(name.prefix(longest - 17)) + "-" + digest.hexadecimal.prefix(16)
    }
    return (name.isEmpty ? "%" : name) + ".log"
  }
}
