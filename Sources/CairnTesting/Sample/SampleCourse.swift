/// Decides row by row which note comes next, in which version, and with which defect.
struct SampleCourse {
  /// What the next row is to be.
  struct Step {
    var ordinal: Int
    var version: Int
    var defect: SampleDefect?
  }

  private let badRate: Double
  private let duplicateRate: Double
  private var random: SplitMix64
  private var notes = 0
  private var planted = 0

  init(_ extract: SampleExtract) {
    badRate = extract.badRate
    duplicateRate = extract.duplicateRate
    random = SplitMix64(seed: extract.seed, 0xC0_5E)
  }

  mutating func next() -> Step {
    var defect: SampleDefect?
    if random.chance(badRate) {
      // In turn, so that the beginning of a file shows each of them.
      defect = SampleDefect.allCases[planted % SampleDefect.allCases.count]
      planted += 1
    }
    if random.chance(duplicateRate), notes > 0 {
      let near = random.below(2) == 0
      let ordinal = near ? notes - 1 - random.below(min(notes, 64)) : random.below(notes)
      return Step(ordinal: ordinal, version: 1 + random.below(7), defect: defect)
    }
    let ordinal = notes
    // A note without a number takes none from the sequence.
    if defect != .missingKey { notes += 1 }
    return Step(ordinal: ordinal, version: 0, defect: defect)
  }
}
