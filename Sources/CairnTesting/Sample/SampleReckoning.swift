/// Keeps, while an extract is generated, what a right load of it must hold.
///
/// Two bytes for each note: its last row that counts, as text and under the companion job. A row is
/// a function of note and version, so a superseded one is had again and taken off.
struct SampleReckoning: ~Copyable {
  private let seed: UInt64
  private let renderer: SampleRenderer
  private var defects: [SampleExpectation.Planted] = []
  private var lastText: [UInt8] = []
  private var lastTyped: [UInt8] = []
  private var text = SampleTally.text()
  private var textWithoutNumber = SampleTally.text()
  private var textSuperseded = SampleTally.text()
  private var typed = SampleTally.typed()
  private var typedSuperseded = SampleTally.typed()
  private var canonical = ByteWriter(capacity: 4_096)
  private var former = ByteWriter(capacity: 4_096)
  private var formerEnds: [Int] = []

  init(seed: UInt64, renderer: SampleRenderer) {
    self.seed = seed
    self.renderer = renderer
  }

  /// Takes note of a row: its place in the file, and the fields as written.
  mutating func count(
    _ note: borrowing SampleDocument, defect: SampleDefect?, row: Int, byteOffset: Int,
    in writer: borrowing ByteWriter, from start: Int, ends: [Int]
  ) {
    if let ordinal = note.ordinal, ordinal >= lastText.count {
      lastText.append(0)
      lastTyped.append(0)
    }
    if let defect {
      defects.append(
        SampleExpectation.Planted(
          row: row, line: row + 2, byteOffset: byteOffset, defect: defect))
      guard !defect.isMalformed else { return }
    }

    canonical.truncate(to: 0)
    renderer.canonicalText(of: writer, from: start, ends: ends, to: &canonical, tally: &text)
    text.add(canonical: canonical.bytes)
    guard let ordinal = note.ordinal else {
      canonical.truncate(to: 0)
      renderer.canonicalText(
        of: writer, from: start, ends: ends, to: &canonical, tally: &textWithoutNumber)
      textWithoutNumber.add(canonical: canonical.bytes)
      return
    }
    let state = Self.state(version: note.version, defect: defect)
    supersede(lastText[ordinal], of: ordinal, asText: true)
    lastText[ordinal] = state

    guard defect == nil else { return }
    canonical.truncate(to: 0)
    renderer.canonicalTyped(
      note, of: writer, from: start, ends: ends, to: &canonical, tally: &typed)
    typed.add(canonical: canonical.bytes)
    supersede(lastTyped[ordinal], of: ordinal, asText: false)
    lastTyped[ordinal] = state
  }

  /// What a right load must yield, given how many rows and bytes the file has.
  mutating func expectation(rows: Int, bytes: Int) -> SampleExpectation {
    var textUpsert = text.subtracting(textWithoutNumber).subtracting(textSuperseded)
    var typedUpsert = typed.subtracting(typedSuperseded)
    (textUpsert.minimumKey, textUpsert.maximumKey) = Self.keyRange(lastText)
    (typedUpsert.minimumKey, typedUpsert.maximumKey) = Self.keyRange(lastTyped)
    (text.minimumKey, text.maximumKey) = (textUpsert.minimumKey, textUpsert.maximumKey)
    (typed.minimumKey, typed.maximumKey) = (typedUpsert.minimumKey, typedUpsert.maximumKey)
    return SampleExpectation(
      seed: seed, rows: rows, bytes: bytes, defects: defects,
      raw: .init(upsert: textUpsert.content, append: text.content),
      typed: .init(upsert: typedUpsert.content, append: typed.content))
  }

  private mutating func supersede(_ state: UInt8, of ordinal: Int, asText: Bool) {
    guard state != 0 else { return }
    let note = SampleDocument(seed: seed, ordinal: ordinal, version: Int(state >> 3) - 1)
    let defect = Self.defect(of: state)
    former.truncate(to: 0)
    renderer.row(note, defect: defect, to: &former, ends: &formerEnds)
    canonical.truncate(to: 0)
    if asText {
      renderer.canonicalText(
        of: former, from: 0, ends: formerEnds, to: &canonical, tally: &textSuperseded)
      textSuperseded.add(canonical: canonical.bytes)
    } else {
      renderer.canonicalTyped(
        note, of: former, from: 0, ends: formerEnds, to: &canonical, tally: &typedSuperseded)
      typedSuperseded.add(canonical: canonical.bytes)
    }
  }

  // MARK: A note's last row in a byte: version + 1 above, defect below; 0 is none.

  private static let kept: [SampleDefect?] = [
    nil, .badNetWeight, .badPlannedDate, .badCost, .badArrivalDate, .unknownStatus, .netAboveGross,
  ]

  private static func state(version: Int, defect: SampleDefect?) -> UInt8 {
    UInt8(version + 1) << 3 | UInt8(kept.firstIndex(of: defect) ?? 0)
  }

  private static func defect(of state: UInt8) -> SampleDefect? { kept[Int(state & 7)] }

  private static func keyRange(_ last: [UInt8]) -> (String?, String?) {
    func key(_ ordinal: Int) -> String {
      let digits = String(SampleRenderer.number(of: ordinal))
      return String(repeating: "0", count: 10 - digits.count) + digits
    }
    return (
      last.firstIndex { $0 != 0 }.map(key), last.lastIndex { $0 != 0 }.map(key)
    )
  }
}
