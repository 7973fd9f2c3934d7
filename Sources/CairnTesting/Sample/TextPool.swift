/// Texts that fields are drawn from, stored end to end.
struct TextPool: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  init(_ texts: some Sequence<String>) {
    for text in texts {
      bytes.append(contentsOf: text.utf8)
      ends.append(bytes.count)
    }
  }

  /// How many texts there are.
  var count: Int { ends.count }

  /// Lends the bytes of a text.
  func withBytes<R>(of index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let range = (index == 0 ? 0 : ends[index - 1])..<ends[index]
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
