import Foundation
import Testing

@testable import Cairn

/// The fast reader of entries agrees with `JSONDecoder`, or leaves them to it.
@Suite struct CheckpointParserTests {
  private func sample(_ metadata: [String: CheckpointValue]) -> StageCheckpoint {
    var cost = CheckpointCost()
    (cost.encoding, cost.syncing, cost.bytes) = (0.000_123, 1e-9, 17_000)
    return StageCheckpoint(
      id: "p_s_20251007_120001", pipelineID: "p \"1\"/ä\n", stage: "load/rows", version: 3,
      kind: .rows, dataFile: "d.parquet", stateFile: "s_state.json", dataHash: "00ff",
      shape: [250, 10], metadata: metadata, timestamp: "2025-10-07T12:00:01.000000Z",
      inputDigest: nil,
      after: [.init(stage: "a", dataHash: "1", isSequential: false)], isSequential: false,
      runSeconds: 0.148, cost: cost)
  }

  @Test(
    arguments: [
      [:], ["rows": 250, "tickers": ["AAPL", "MSFT"], "note": "two \"words\"", "ok": true],
      ["whole": 3.0, "part": 2.5, "none": nil, "deep": ["a": [1, ["b": 2]]]],
      ["text": "17", "word": "nan"], ["none": .number(.nan)],
    ] as [[String: CheckpointValue]])
  func agrees(_ metadata: [String: CheckpointValue]) throws {
    let text = CheckpointText.line(sample(metadata))
    let slow = try JSONContent.decode(StageCheckpoint.self, from: text)
    if let fast = CheckpointParser.checkpoint(text) {
      #expect(fast == slow)
    } else {
      #expect(metadata["word"] != nil || metadata["none"] != nil)
    }
    if metadata["rows"] != nil { #expect(CheckpointParser.checkpoint(text) != nil) }
  }

  @Test func `what others wrote is left to the slow reader`() {
    for text in [
      #"{"checkpoint_id":"a","stage":"s","data_hash":"h","timestamp":"t"}"#, "{", "",
      #"{"timestamp":"t","state_file":"f","format_version":2}"#,
    ] {
      #expect(CheckpointParser.checkpoint(Array(text.utf8)) == nil)
    }
  }
}
