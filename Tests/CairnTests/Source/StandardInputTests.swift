import Crypto
import Foundation
import Testing

@testable import Cairn

@Suite struct StandardInputTests {
  /// A source that reads `bytes` from a pipe.
  static func source(_ bytes: [UInt8]) -> StandardInput {
    let pipe = Pipe()
    let (reading, writing) = (pipe.fileHandleForReading, pipe.fileHandleForWriting)
    let descriptor = dup(reading.fileDescriptor)
    try? reading.close()
    Thread.detachNewThread {
      try? writing.write(contentsOf: Data(bytes))
      try? writing.close()
    }
    return StandardInput(descriptor: descriptor)
  }

  @Test(arguments: [false, true])
  func `what was looked at is still read`(isCompressed: Bool) async throws {
    var bytes = Array(FileSourceTests.text.utf8)
    if isCompressed { bytes = try await run("gzip", ["-c"], input: bytes) }
    let source = Self.source(bytes)
    #expect(!source.isRepeatable)
    await #expect(throws: SourceError.notReadToEnd(name: "standard input")) {
      try await source.identify()
    }
    let (rows, recorded) = try await FileSourceTests.rows(source)
    #expect(rows.count == 500)
    #expect(rows.last == "499|name \(499 % 7)|1497")
    let layout = try await source.resolve()
    await #expect(throws: SourceError.notRepeatable(name: "standard input", offset: 0)) {
      try await source.open(layout, at: .start, limits: ChunkLimits())
    }

    // The same data given again goes on behind what is known.
    let again = Self.source(bytes)
    _ = try await again.resolve()
    let known = Array(recorded.prefix(3))
    #expect(try await again.firstDifference(from: known, layout: layout) == nil)
    let rest = try await FileSourceTests.rows(again, at: known[2].extent.end)
    #expect(rest.rows == Array(rows[192...]))
    // Who it is does not depend on how it was compressed or cut.
    let digest = SHA256.hash(data: Data(FileSourceTests.text.utf8))
    let identity = SourceIdentity.content(
      digest: digest.map { String(format: "%02x", $0) }.joined())
    #expect(try await source.identify() == identity)
    #expect(try await again.identify() == identity)
  }

  @Test func `other data is told apart`() async throws {
    let source = Self.source(Array(FileSourceTests.text.utf8))
    let (_, recorded) = try await FileSourceTests.rows(source)
    let other = Self.source(Array(FileSourceTests.text.replacing("123~^", with: "124~^").utf8))
    let layout = try await source.resolve()
    #expect(try await other.firstDifference(from: recorded, layout: layout) == 1)
  }

  @Test func `nothing at all is an error`() async throws {
    let source = Self.source([])
    await #expect(throws: SourceError.empty(path: "standard input")) {
      try await source.resolve()
    }
  }
}
