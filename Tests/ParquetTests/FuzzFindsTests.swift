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

  #if os(Linux)
    /// In a process of its own, whose memory nothing else is in.
    @Test(.timeLimit(.minutes(5))) func findsTakeLittleMemory() async {
      await #expect(processExitsWith: .success) {
        let before = try Self.peakMemory()
        for (_, bytes) in try Self.finds() {
          guard
            let reader = try? FileReader(
              bytes: ByteStorage(copying: bytes), limits: ReaderLimits(rowCount: 1 << 16))
          else { continue }
          EverythingReader(reader: reader) { holds, what in precondition(holds, what) }.read()
        }
        _ = try? HostileClaims.nameless(500_000).reader()
        let taken = try Self.peakMemory() - before
        precondition(taken < 600_000, "\(taken) kB")
      }
    }

    /// The most memory that this process has had, in kB.
    private static func peakMemory() throws -> Int {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }
  #endif
}
