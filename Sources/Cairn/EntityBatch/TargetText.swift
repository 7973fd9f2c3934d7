#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A target as a checkpoint keeps it: JSON.
enum TargetText {
  static func encode(_ target: TargetTable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(target), as: UTF8.self)
  }

  static func decode(_ text: String) throws -> TargetTable {
    try JSONDecoder().decode(TargetTable.self, from: Data(text.utf8))
  }
}

extension TargetTable {
  /// This target, with those of other columns that it does not have.
  func adding(_ others: [TargetColumn]) -> TargetTable {
    let known = Set(columns.map(\.name))
    var whole = self
    whole.columns += others.filter { !known.contains($0.name) }
    return whole
  }
}
