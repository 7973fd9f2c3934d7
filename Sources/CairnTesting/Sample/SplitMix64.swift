/// Vigna's SplitMix64: a small random number generator that yields the same numbers everywhere.
struct SplitMix64 {
  private var state: UInt64

  /// Starts a stream; streams of different seeds look unrelated.
  init(seed: UInt64) { state = seed }

  /// Starts the stream that belongs to a seed and two numbers, whichever stream came before.
  init(seed: UInt64, _ first: UInt64, _ second: UInt64 = 0) {
    state =
      Self.mix(Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15) ^ first) ^ second &* 0xD1B5_4A32_D192_ED03
    state = Self.mix(state)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// The next 64 bits.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// A number of `0..<bound`; `bound` is at least 1.
  mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number of `0..<bound` of which small ones are more frequent.
  mutating func skewed(_ bound: Int) -> Int {
    let first = below(bound)
    let second = below(bound)
    return min(first, second)
  }

  /// True with a probability of `rate`, 0…1.
  mutating func chance(_ rate: Double) -> Bool {
    Double(next() >> 11) * 0x1p-53 < rate
  }
}
