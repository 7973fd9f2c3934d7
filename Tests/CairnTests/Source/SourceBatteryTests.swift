import Cairn
import CairnTesting
import Foundation
import Testing

/// Every source that Cairn comes with, held to what every source must hold.
@Suite struct SourceBatteryTests {
  private func file(_ name: String, _ text: String) throws -> String {
    let path = NSTemporaryDirectory() + "/battery-\(UUID().uuidString)-\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test(arguments: SourceBattery.checks)
  func delimitedFile(_ check: SourceCheck) async throws {
    var lines = (0..<40).map { "\($0)~^name \($0 % 5)" }
    lines[11] = "11~^too~^many"
    lines[20] = "too few"
    let path = try file("plain.dat", "id~^name\n" + lines.joined(separator: "\n"))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await check.run(FileSource(path: path, options: SourceOptions()))
  }

  @Test(arguments: SourceBattery.checks)
  func quotedFile(_ check: SourceCheck) async throws {
    let lines = (0..<30).map { "\($0),\"two\r\nlines, \"\"\($0 % 4)\"\"\"\r\n" }
    let path = try file("quoted.csv", "id,text\r\n" + lines.joined())
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await check.run(
      FileSource(path: path, options: SourceOptions(delimiter: ",", quote: "\"")))
  }

  @Test(arguments: SourceBattery.checks)
  func batches(_ check: SourceCheck) async throws {
    struct Row: Codable {
      var id: Int
      var name: String?
    }
    try await check.run(
      BatchSource(name: "rows", fingerprint: "1") { number in
        guard number < 5 else { return nil }
        return try RecordBatch(
          rows: (0..<6).map { Row(id: number * 6 + $0, name: $0 == 3 ? nil : "n\($0)") })
      })
  }
}
