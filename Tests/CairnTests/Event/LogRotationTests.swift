import Testing

@testable import Cairn

@Suite struct LogRotationTests {
  @Test("a file gives way when it would grow over its size, never an empty one")
  func size() {
    let rotation = LogRotation.size(100, keep: 5)
    #expect(!rotation.isDue(size: 90, adding: 10, firstDay: nil, day: 0))
    #expect(rotation.isDue(size: 90, adding: 11, firstDay: nil, day: 0))
    #expect(!rotation.isDue(size: 0, adding: 1_000, firstDay: nil, day: 0))
  }

  @Test("a day's file gives way on the next day, and not when the clock goes back")
  func daily() {
    #expect(LogRotation.daily.isDue(size: 1, adding: 1, firstDay: 10, day: 11))
    #expect(!LogRotation.daily.isDue(size: 1, adding: 1, firstDay: 10, day: 10))
    #expect(!LogRotation.daily.isDue(size: 1, adding: 1, firstDay: 10, day: 9))
  }

  /// What a folder holds after the renames; each file's content is its first name.
  private func after(_ rotation: LogRotation, _ names: [String], firstDay: Int32? = nil) -> [String:
    String]
  {
    var files = Dictionary(uniqueKeysWithValues: names.map { ($0, $0) })
    for (old, new) in rotation.renames(of: "l", firstDay: firstDay, exists: { files[$0] != nil }) {
      files[new] = files.removeValue(forKey: old)
    }
    return files
  }

  @Test("older files move up by one, and the oldest goes")
  func moveUp() {
    let rotation = LogRotation.size(1, keep: 3)
    #expect(after(rotation, ["l"]) == ["l.1": "l"])
    #expect(after(rotation, ["l", "l.1", "l.2"]) == ["l.1": "l", "l.2": "l.1", "l.3": "l.2"])
    #expect(
      after(rotation, ["l", "l.1", "l.2", "l.3"]) == ["l.1": "l", "l.2": "l.1", "l.3": "l.2"])
    #expect(after(.size(1, keep: 1), ["l", "l.1"]) == ["l.1": "l"])
  }

  @Test("a gap that a killed rotation left is filled, and nothing is lost to it")
  func gap() {
    #expect(
      after(.size(1, keep: 5), ["l", "l.1", "l.3"]) == ["l.1": "l", "l.2": "l.1", "l.3": "l.3"])
  }

  @Test("a day's name that is taken gets a number")
  func taken() {
    let day = "l.1970-01-11"
    #expect(after(.daily, ["l"], firstDay: 10) == [day: "l"])
    #expect(after(.daily, ["l", day, day + ".1"], firstDay: 10)[day + ".2"] == "l")
  }

  @Test("names of older files are told from others")
  func names() {
    for name in ["l.1", "l.2025-10-06", "l.2025-10-06.2"] {
      #expect(LogRotation.isOlder(name, of: "l"))
    }
    for name in ["l", "l.", "l.x", "l.2025-13-06", "l.1.2", "lx.1", "l.2025-10-06.x", "l.1.gz"] {
      #expect(!LogRotation.isOlder(name, of: "l"))
    }
  }

  @Test("no stage's name leads out of the folder, and no two share a file")
  func stages() {
    let stages = [
      "load", "Load", "a/b", "a%2Fb", "../../etc/passwd", ".", "..", "", "é", "a b", "a.b", ".a",
      String(repeating: "x", count: 300), String(repeating: "x", count: 301),
    ]
    let names = stages.map(StageFileName.of)
    #expect(Set(names).count == stages.count)
    for name in names {
      #expect(!name.contains("/") && !name.hasPrefix(".") && name.utf8.count < 200)
      #expect(name.hasSuffix(".log"))
    }
    #expect(StageFileName.of("data_extraction") == "data_extraction.log")
  }
}
