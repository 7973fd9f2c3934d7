import Cairn
import Foundation

/// Checkpoints of entity batches as people read them.
enum EntityCheckpointText {
  static func table(_ checkpoints: [EntityCheckpoint]) -> String {
    let head = ["PROCESSOR", "PARTITION", "DONE", "OF", "%", "LAST ENTITY", "AGO", "STATE"]
    return TextTable.aligned(
      [head]
        + checkpoints.map { checkpoint in
          [
            checkpoint.new.processor, checkpoint.new.partition,
            Readable.count(checkpoint.completed.count), Readable.count(checkpoint.total),
            Readable.fixed(checkpoint.shareDone * 100, 1), checkpoint.lastEntityID,
            Readable.seconds(Double(checkpoint.age.components.seconds)), standing(checkpoint),
          ]
        })
  }

  static func table(_ processors: [CheckpointEffectiveness]) -> String {
    let head = ["PROCESSOR", "RESUMED", "SAVED", "REMAINING", "% SAVED"]
    return TextTable.aligned(
      [head]
        + processors.map {
          [
            $0.processorName, Readable.count($0.checkpointResumptions),
            Readable.fixed($0.avgEntitiesSaved, 1), Readable.fixed($0.avgEntitiesRemaining, 1),
            Readable.fixed($0.avgPctSaved, 1),
          ]
        })
  }

  private static func standing(_ checkpoint: EntityCheckpoint) -> String {
    if let holder = checkpoint.holder {
      return "in work by \(holder.owner.pid)@\(holder.owner.host)"
    }
    if let error = checkpoint.error {
      return String(error.split(separator: "\n").first?.prefix(60) ?? "failed")
    }
    return checkpoint.isOpen ? "killed" : "stopped"
  }
}

/// Rows of text in columns.
enum TextTable {
  /// Columns as wide as they need be, two blanks apart; numbers to the right.
  static func aligned(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let isNumber = (0..<count).map { column in
      rows.dropFirst().allSatisfy { Double($0[column].filter { $0 != "," }) != nil }
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        let blanks = String(repeating: " ", count: widths[column] - text.count)
        return isNumber[column] ? blanks + text : text + blanks
      }.joined(separator: "  ").trimmingSuffix(of: " ")
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func trimmingSuffix(of character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}
