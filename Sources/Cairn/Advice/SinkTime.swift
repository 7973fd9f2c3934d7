#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Times as sinks write them: ISO 8601 UTC, with or without a fraction of a second.
package enum SinkTime {
  /// Seconds since 1970-01-01 UTC, or nil when the text is no such time.
  package static func seconds(of text: String) -> Double? {
    guard text.hasSuffix("Z") else { return nil }
    let parts = text.dropLast().split(separator: ".", maxSplits: 1)
    guard let whole = parts.first, let date = try? Date("\(whole)Z", strategy: .iso8601) else {
      return nil
    }
    let fraction = parts.count == 2 ? Double("0.\(parts[1])") ?? 0 : 0
    return date.timeIntervalSince1970 + fraction
  }
}
