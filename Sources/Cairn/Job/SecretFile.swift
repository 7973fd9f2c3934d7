#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A file with a secret, as container platforms mount them.
enum SecretFile {
  /// The secret, without the white space around it; nil when there is none.
  static func read(_ path: String) -> String? {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)), data.count < 1 << 20,
      let text = String(validating: data, as: UTF8.self)
    else { return nil }
    let secret = text.trimmingPrefix(while: \.isWhitespace)
    guard let last = secret.lastIndex(where: { !$0.isWhitespace }) else { return nil }
    return String(secret[...last])
  }
}
