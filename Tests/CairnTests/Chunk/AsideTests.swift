import Foundation
import Testing

@testable import Cairn

/// Names of files that are written aside.
@Suite struct AsideTests {
  /// Gives the same numbers as in another container, where the process has the same id.
  private struct Numbers: RandomNumberGenerator {
    var numbers: [UInt64]
    mutating func next() -> UInt64 { numbers.removeFirst() }
  }

  @Test func `a file that is written aside never takes another one's place`() throws {
    let folder = NSTemporaryDirectory() + "/cairn-aside-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var first = Numbers(numbers: [7, 9])
    var second = Numbers(numbers: [7, 8])
    let one = try DurableFile.createAside(folder + "/chunk_0001.parquet.", random: &first)
    try Array("one".utf8).withUnsafeBytes {
      try DurableFile.write($0, to: one.descriptor, path: one.path)
    }
    let other = try DurableFile.createAside(folder + "/chunk_0001.parquet.", random: &second)
    close(one.descriptor)
    close(other.descriptor)
    #expect(one.path == folder + "/chunk_0001.parquet.0000000000000007.tmp")
    #expect(other.path == folder + "/chunk_0001.parquet.0000000000000008.tmp")
    #expect(FileManager.default.contents(atPath: one.path) == Data("one".utf8))
  }

  @Test func `names of what was written aside are told from others`() {
    #expect(DurableFile.isAside("a.prom.00000000000000ff.tmp", "a.prom."))
    for name in [
      "a.prom.tmp", "a.prom.17.tmp", "a.prom.00000000000000fx.tmp", "b.prom.00000000000000ff.tmp",
      "a.prom.00000000000000ff.bak", "a.prom.000000000000000ff.tmp",
    ] {
      #expect(!DurableFile.isAside(name, "a.prom."))
    }
  }
}
