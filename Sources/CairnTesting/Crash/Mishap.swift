public import Cairn

/// What befalls one attempt of a command.
public enum Mishap: Sendable, Hashable {
  /// Nothing: it runs to its end.
  case none
  /// It kills itself when it comes to a fault point for the nth time. The command must heed
  /// `CAIRN_CRASH_AT`, as ``Cairn/FaultPoints/crashing(environment:)`` does.
  case crash(at: FaultPoint, count: Int = 1)
  /// It is killed so long after its start.
  case kill(after: Duration)
  /// It is killed as soon as its output shows this many per cent.
  case killAtProgress(percent: Double)
  /// It gets a signal, for example SIGTERM, so long after its start.
  case signal(Int32, after: Duration)

  /// Kills at `count` random moments before `longest`, from a seed.
  public static func randomKills(seed: UInt64, count: Int, within longest: Duration) -> [Mishap] {
    var random = SplitMix64(seed: seed, 0x4B_11)
    let microseconds = max(
      1,
      Int(
        longest.components.seconds * 1_000_000 + longest.components.attoseconds / 1_000_000_000_000)
    )
    return (0..<max(count, 0)).map { _ in .kill(after: .microseconds(random.below(microseconds))) }
  }

  /// The greatest number in front of a per cent sign in a text, or nil when there is none.
  static func progress(in output: String) -> Double? {
    var greatest: Double?
    for part in output.split(separator: "%", omittingEmptySubsequences: false).dropLast() {
      let number = part.reversed().drop { $0 == " " }.prefix {
        $0.isASCII && ($0.isNumber || $0 == ".")
      }
      guard let value = Double(String(number.reversed())) else { continue }
      greatest = max(greatest ?? value, value)
    }
    return greatest
  }
}
