/// Durations as people write them: `7d`, `9m30s`, `1.5h`, `250ms`.
public enum DurationText {
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// Reads one or more numbers with a unit each (`d`, `h`, `m`, `s`, `ms`), larger units first, or a
  /// bare `0`.
  ///
  /// - Returns: Nil when the text is none of that, is negative, or is more than 100,000 days.
  public static func parse(_ text: some StringProtocol) -> Duration? {
    if text == "0" { return .zero }
    var rest = text[...]
    var total: Int64 = 0
    var smallest = units.startIndex
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest[number.endIndex...]
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest[unit.endIndex...]
      guard let index = units.firstIndex(where: { $0.name == unit }), index >= smallest,
        number.utf8.count <= 12, let amount = Decimal128(number),
        let scaled = Decimal128(
          unscaled: amount.unscaled * Int128(units[index].milliseconds), scale: amount.scale
        ).rescaled(to: 0),
        let milliseconds = Int64(exactly: scaled.unscaled),
        milliseconds <= 100_000 * 86_400_000
      else { return nil }
      smallest = index + 1
      total += milliseconds
    }
    guard total <= 100_000 * 86_400_000 else { return nil }
    return .milliseconds(total)
  }

  /// Writes a duration so that ``parse(_:)`` reads it, to the millisecond: `9m30s`.
  public static func describe(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    guard rest > 0 else { return "0s" }
    var text = ""
    for unit in units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text
  }
}

/// Sizes in bytes as people write them: `20MB`, `16MiB`, `0`.
public enum ByteSizeText {
  private static let units: [(name: String, bytes: Int64)] = [
    ("", 1), ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ("TiB", 1 << 40),
  ]

  /// Reads a number with a unit: `kB`, `MB`, `GB`, `TB` are powers of 1000, `KiB`, `MiB`, `GiB`,
  /// `TiB` of 1024; without one it is bytes.
  ///
  /// - Returns: Nil when the text is none of that, is negative, or is no whole number of bytes.
  public static func parse(_ text: some StringProtocol) -> Int64? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_") }
    let unit = text[number.endIndex...].drop { $0 == " " }
    guard let factor = units.first(where: { $0.name.lowercased() == unit.lowercased() })?.bytes,
      number.utf8.count <= 18,
      let amount = Decimal128(String(number.filter { $0 != "_" })),
      let scaled = Decimal128(unscaled: amount.unscaled * Int128(factor), scale: amount.scale)
        .rescaled(to: 0)
    else { return nil }
    return Int64(exactly: scaled.unscaled)
  }

  /// Writes a size so that ``parse(_:)`` reads it: `20MB`.
  public static func describe(_ bytes: Int64) -> String {
    let fitting = units.filter { $0.bytes > 1 && $0.name != "KB" && bytes != 0 }
      .filter { bytes % $0.bytes == 0 }
    guard let unit = fitting.max(by: { $0.bytes < $1.bytes }) else { return String(bytes) }
    return "\(bytes / unit.bytes)\(unit.name)"
  }
}
