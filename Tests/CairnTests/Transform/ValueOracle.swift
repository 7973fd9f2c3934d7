import Foundation

@testable import Cairn

/// Asks Python's standard library what texts mean: an implementation that shares nothing with ours.
enum ValueOracle {
  /// Whether there is a Python to ask.
  static let isAvailable = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .contains { FileManager.default.isExecutableFile(atPath: "\($0)/python3") }

  /// Runs a script that finds its input, decoded from JSON, in `data` and prints JSON.
  static func run<Answer: Decodable>(
    _ script: String, input: some Encodable, as type: Answer.Type
  ) async throws -> Answer {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-oracle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let inputFile = folder.appendingPathComponent("input.json")
    let scriptFile = folder.appendingPathComponent("oracle.py")
    try JSONEncoder().encode(input).write(to: inputFile)
    let prelude = "import json, sys\ndata = json.load(open(sys.argv[1]))\n"
    try Data((prelude + script).utf8).write(to: scriptFile)
    let output = try await CairnTests.run("python3", [scriptFile.path, inputFile.path])
    return try JSONDecoder().decode(type, from: Data(output))
  }
}

/// Numbers that look random and depend on nothing but the seed, which is printed.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(test: String = #function) {
    let text = ProcessInfo.processInfo.environment["CAIRN_TEST_SEED"]
    let seed = text.flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000_000)
    print("\(test): CAIRN_TEST_SEED=\(seed)")
    state = seed
  }

  // SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// One to `most` pieces of `pieces`, in a row.
  mutating func text(of pieces: [String], most: Int) -> String {
    (0..<Int.random(in: 1...most, using: &self))
      .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &self)] }.joined()
  }
}

extension String {
  /// Calls `parse` with the text's bytes.
  func parsed<Value>(
    _ zero: Value, _ parse: (UnsafeRawBufferPointer, inout Value) -> ValueDefect
  ) -> (value: Value, defect: ValueDefect) {
    var value = zero
    let defect = Array(utf8).withUnsafeBytes { parse($0, &value) }
    return (value, defect)
  }
}
