import Crypto
import Foundation
import Testing

@testable import CairnTesting

struct SampleExtractTests {
  @Test("Equal parameters give equal bytes, and those of this seed are known")
  func deterministic() throws {
    let extract = SampleExtract(rows: 1_000, seed: 7)
    let first = try extract.generate()
    let second = try extract.generate()
    #expect(first.bytes == second.bytes)
    #expect(first.expectation == second.expectation)
    // A change of these two changes every sample there is: say so in the change log.
    #expect(
      hexadecimal(first.bytes)
        == "d0f4772cb8e11c21f91b986e062cc47e59e0e2569e85614008c777ff78783a48")
    #expect(first.expectation.typed.upsert.digest == "88206c9093e5b2075bc3e6a91d3aae45")

    let other = try SampleExtract(rows: 1_000, seed: 8).generate()
    #expect(other.bytes != first.bytes)
  }

  @Test("A longer extract begins with a shorter one")
  func prefix() throws {
    let short = try SampleExtract(rows: 500, seed: 3).generate()
    let long = try SampleExtract(rows: 1_000, seed: 3).generate()
    #expect(long.bytes.starts(with: short.bytes))
  }

  @Test("There are 45 columns and some 470 bytes a row")
  func shape() throws {
    let sample = try SampleExtract(rows: 2_000).generate()
    let lines = sample.bytes.split(separator: 0x0A)
    #expect(lines.count == 2_001)
    let header = String(decoding: lines[0], as: UTF8.self).components(separatedBy: "~^")
    #expect(header.count == 45)
    #expect(header[0] == "Surat Pengantar Barang")
    #expect(Set(header).count == 45)
    #expect(SampleColumn.all.map(\.header) == header)
    #expect(SampleColumn.all[0].name == SampleColumn.key)
    #expect(SampleColumn.typedNames.count == 40)

    let average = Double(sample.bytes.count - lines[0].count - 1) / 2_000
    #expect((455...485).contains(average), "a row has \(average) bytes on average")
  }

  @Test("Bad and repeated rows are as frequent as asked")
  func rates() throws {
    let sample = try SampleExtract(rows: 4_000, seed: 2, badRate: 0.02, duplicateRate: 0.1)
      .generate()
    #expect((50...110).contains(sample.expectation.defects.count))
    let counts = Dictionary(grouping: sample.expectation.defects, by: \.defect).mapValues(\.count)
    #expect(counts.count == SampleDefect.allCases.count)
    #expect((counts.values.max() ?? 0) - (counts.values.min() ?? 0) <= 1)
    #expect((3_500...3_700).contains(sample.expectation.raw.upsert.rows))

    let clean = try SampleExtract(rows: 500, badRate: 0, duplicateRate: 0).generate()
    #expect(clean.expectation.defects.isEmpty)
    #expect(clean.expectation.raw.upsert.rows == 500)
    #expect(clean.expectation.typed.upsert.rows == 500)

    let empty = try SampleExtract(rows: 0).generate()
    #expect(empty.bytes.split(separator: 0x0A).count == 1)
    #expect(empty.expectation.typed.append.rows == 0)
    #expect(empty.expectation.typed.append.minimumKey == nil)
  }

  @Test("A file has the bytes of the extract, a .gz file those that gzip unpacks")
  func files() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-sample-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // More than one block, so that offsets span writes.
    let extract = SampleExtract(rows: 2_500, seed: 11)
    let memory = try extract.generate()

    let plain = folder.appendingPathComponent("sample.dat")
    #expect(try extract.writeWithExpectation(to: plain.path) == memory.expectation)
    #expect(try Array(Data(contentsOf: plain)) == memory.bytes)

    let packed = folder.appendingPathComponent("sample.dat.gz")
    #expect(try extract.write(to: packed.path) == memory.bytes.count)
    #expect(try Array(Data(contentsOf: packed).prefix(2)) == [0x1F, 0x8B])
    let unpacked = folder.appendingPathComponent("unpacked")
    let gzip = try await ChildProcess(
      ChildCommand(
        "/bin/sh", ["-c", "gzip -dc \"$1\" > \"$2\"", "sh", packed.path, unpacked.path])
    ).wait()
    #expect(gzip.exitCode == 0)
    #expect(try Array(Data(contentsOf: unpacked)) == memory.bytes)
  }

  @Test("A file that cannot be written is named")
  func unwritable() throws {
    let error = #expect(throws: SampleError.self) {
      try SampleExtract(rows: 1).write(to: "/nonexistent-folder/sample.dat")
    }
    #expect(
      error?.description
        == "cannot create '/nonexistent-folder/sample.dat': No such file or directory")
  }

  @Test("The expectation survives JSON")
  func json() throws {
    let expectation = try SampleExtract(rows: 500, badRate: 0.05).generate().expectation
    #expect(try SampleExpectation(json: expectation.json()) == expectation)
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
  }
}
