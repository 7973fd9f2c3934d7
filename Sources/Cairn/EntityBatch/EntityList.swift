/// The ids of the entities that are to be processed, in order, and digests by which a changed list is
/// noticed.
struct EntityList: Sendable {
  /// The ids.
  let ids: [String]
  /// SHA-256 of all ids in order.
  let digest: String

  /// - Throws: ``EntityBatchError/duplicateEntity(_:)``, since of two equal ids nobody could tell which
  ///   was the last one done.
  init(_ ids: [String]) throws(EntityBatchError) {
    var seen = Set<String>(minimumCapacity: ids.count)
    for id in ids where !seen.insert(id).inserted { throw .duplicateEntity(id) }
    self.ids = ids
    var digest = PrefixDigest()
    self.digest = digest.upTo(ids.count, of: ids)
  }

  var count: Int { ids.count }

  /// SHA-256 of the first ids.
  func digest(upTo end: Int) -> String {
    var digest = PrefixDigest()
    return digest.upTo(end, of: ids)
  }
}

/// Digests of the beginning of a list of ids, kept up as the end moves on, so that all of them
/// together cost one pass over the list.
struct PrefixDigest: Sendable {
  private var hash = ContentDigest()
  private var end = 0

  /// SHA-256 of the first `end` ids: each as its length in bytes, a colon and its UTF-8.
  mutating func upTo(_ end: Int, of ids: [String]) -> String {
    if end < self.end { self = PrefixDigest() }
    var bytes: [UInt8] = []
    for id in ids[self.end..<end] {
      bytes += Array("\(id.utf8.count):".utf8)
      bytes += Array(id.utf8)
      if bytes.count > 1 << 16 {
        hash.update(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    hash.update(bytes)
    self.end = end
    return hash.hexadecimal
  }
}
