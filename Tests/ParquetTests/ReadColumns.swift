import Foundation

@testable import Parquet

/// All columns of a file, as text, and why others could not be read.
struct ReadColumns {
  /// A line a row, by the column's name.
  var lines: [String: String] = [:]
  /// By the column's name.
  var failures: [String: ParquetError] = [:]

  /// Reads all columns.
  init(
    _ reader: FileReader, verifyChecksums: Bool = true, scratch: DecoderScratch = DecoderScratch()
  ) {
    for (position, column) in reader.metadata.schema.columns.enumerated() {
      do throws(ParquetError) {
        var text = ""
        for group in reader.metadata.rowGroups.indices {
          text += try reader.readColumn(
            position, rowGroup: group, verifyChecksums: verifyChecksums, scratch: scratch
          ).lines(ReaderInteroperabilityTests.type(of: column))
        }
        lines[column.name] = text
      } catch {
        failures[column.name] = error
      }
    }
  }

  /// What differs from other lines, with the first row that does.
  func differences(from expected: [String: String]) -> [String] {
    Set(expected.keys).union(lines.keys).sorted().compactMap { name in
      guard let found = lines[name] else {
        return "\(name): missing: \(failures[name].map { "\($0)" } ?? "no such column")"
      }
      guard let wanted = expected[name] else { return "\(name): unexpected" }
      if found == wanted { return nil }
      let pairs = zip(found.split(separator: "\n"), wanted.split(separator: "\n"))
      let row = pairs.enumerated().first { $1.0 != $1.1 }
      return "\(name): \(row.map { "row \($0): \($1.0) instead of \($1.1)" } ?? "other row count")"
    }
  }
}
