import Foundation
import Testing

@testable import Parquet

/// Files that a fuzzer, or a reader of the code, once broke the reader with. Each gives an error, or a
/// value for each row.
@Suite struct FuzzFindsTests {
  /// By file name.
  private static func finds() throws -> [(name: String, bytes: [UInt8])] {
    let folder = Fixtures.folder.appending(path: "finds")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      .filter { $0 != "README.md" }
      .map { ($0, Array(try Data(contentsOf: folder.appending(path: $0)))) }
  }

  @Test(.timeLimit(.minutes(2))) func findsAreRead() throws {
    let finds = try Self.finds()
    #expect(finds.count >= HostileClaims.all.count)
    var readers = 0
    for (name, bytes) in finds {
      guard
        let reader = try? FileReader(
          bytes: ByteStorage(copying: bytes), limits: ReaderLimits(rowCount: 1 << 16))
      else { continue }
      readers += 1
      EverythingReader(reader: reader) { holds, what in
        if !holds { Issue.record("\(name): \(what)") }
      }.read()
    }
    #expect(readers >= HostileClaims.all.count)
  }

  /// Those made by hand are as ``HostileClaims`` makes them; CAIRN_WRITE_FINDS=1 writes them.
  @Test func findsMadeByHandAreKept() throws {
    let finds = Dictionary(uniqueKeysWithValues: try Self.finds())
    for (name, file) in HostileClaims.all {
      if ProcessInfo.processInfo.environment["CAIRN_WRITE_FINDS"] != nil {
        try Data(file.bytes).write(
          to: Fixtures.folder.appending(path: "finds").appending(path: "\(name).parquet"))
      } else {
        #expect(finds["\(name).parquet"] == file.bytes, "\(name)")
      }
    }
  }
}
