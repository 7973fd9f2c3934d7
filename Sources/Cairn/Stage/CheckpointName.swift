internal import Crypto

/// How checkpoints and their files are named:
/// `pipeline_{id}_stage_{name}_{time}.parquet` and `pipeline_{id}_stage_{name}_{time}_state.json`.
///
/// Whatever a pipeline and a stage are called, the names stay in the folder: only letters, digits and
/// `_ - . ~` get into them, everything else as `%2F`; long names end in a digest of themselves.
enum CheckpointName {
  /// The most characters of a pipeline or a stage in a file's name.
  private static let longest = 80

  /// The id of a checkpoint.
  ///
  /// - Parameter number: From 2 on for those that were saved in the same second.
  static func id(pipeline: String, stage: String, stamp: String, number: Int) -> String {
    "\(pipeline)_\(stage)_\(stamp)" + (number > 1 ? "_\(number)" : "")
  }

  /// The name of its files without their ends.
  static func file(pipeline: String, stage: String, stamp: String, number: Int) -> String {
    let execution = pipeline.hasPrefix("pipeline_") ? pipeline : "pipeline_" + pipeline
    return "\(safe(execution))_stage_\(safe(stage))_\(stamp)" + (number > 1 ? "_\(number)" : "")
  }

  /// A name as a part of a file's name.
  static func safe(_ name: String) -> String {
    var text = ""
    var previous: UInt8 = UInt8(ascii: ".")
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        text.unicodeScalars.append(UnicodeScalar(byte))
      case UInt8(ascii: ".") where previous != byte:
        text += "."
      default:
        text += "%" + Hexadecimal.text(of: [byte]).uppercased()
      }
      previous = byte
    }
    guard text.utf8.count > longest else { return text }
    let digest = Hexadecimal.text(of: SHA256.hash(data: Array(name.utf8)).prefix(8))
    return text.prefix(longest - 17) + "~" + digest
  }

  /// Whether a name that was read from a registry is one of a file in the folder.
  static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
      && !name.utf8.contains(0)
  }

  /// The time as names have it: `20251007_120001`, in UTC.
  static func stamp(ofNanoseconds nanoseconds: Int64) -> String {
    String(timestamp(ofNanoseconds: nanoseconds).prefix(19).filter { $0 != "-" && $0 != ":" })
      .replacing("T", with: "_")
  }

  /// The time as states have it: `2025-10-07T12:00:01.622629Z`.
  static func timestamp(ofNanoseconds nanoseconds: Int64) -> String {
    let microseconds = nanoseconds / 1_000
    let whole = microseconds / 1_000_000 * 1_000_000
    // All six digits, so that the texts sort as the times do.
    let rest = String(1_000_000 + (microseconds - whole)).dropFirst()
    return "\(LocalDateTime(microseconds: whole)).\(rest)Z"
  }
}
