import Testing

@testable import Cairn

@Suite("Durations and sizes are read as people write them")
struct DurationTextTests {
  @Test(
    "Durations",
    arguments: [
      ("7d", 604_800_000), ("9m30s", 570_000), ("1.5h", 5_400_000), ("250ms", 250), ("0", 0),
      ("1d2h3m4s5ms", 93_784_005), ("0s", 0), ("100000d", 8_640_000_000_000),
    ] as [(String, Int64)])
  func durations(text: String, milliseconds: Int64) {
    #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    #expect(
      DurationText.parse(DurationText.describe(.milliseconds(milliseconds)))
        == .milliseconds(milliseconds))
  }

  @Test(
    "No durations",
    arguments: [
      "", "7", "d", "7 d", "-7d", "30s9m", "5s5s", "7x", "0.5ms", "1e3s", "100001d", "7d ", ".d",
      "99999999999d", "٣d",
    ])
  func noDurations(text: String) { #expect(DurationText.parse(text) == nil) }

  @Test(
    "Sizes",
    arguments: [
      ("0", 0), ("17", 17), ("17B", 17), ("20MB", 20_000_000), ("20 MB", 20_000_000),
      ("16MiB", 16_777_216), ("1.5kB", 1500), ("1_000", 1000), ("2gb", 2_000_000_000),
      ("1TiB", 1_099_511_627_776),
    ] as [(String, Int64)])
  func sizes(text: String, bytes: Int64) {
    #expect(ByteSizeText.parse(text) == bytes)
    #expect(ByteSizeText.parse(ByteSizeText.describe(bytes)) == bytes)
  }

  @Test("No sizes", arguments: ["", "MB", "-1", "1.5", "1.0001kB", "5XB", "99999999999TB", "1 2"])
  func noSizes(text: String) { #expect(ByteSizeText.parse(text) == nil) }
}
