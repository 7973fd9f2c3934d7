import Crypto

/// One digest for a whole source: SHA-256 over the digests of its chunks.
enum SourceDigest {
  static func of(_ chunks: [RecordedExtent]) -> String {
    var hasher = SHA256()
    for chunk in chunks { hasher.update(data: Array(chunk.contentDigest.utf8)) }
    return Hexadecimal.text(of: hasher.finalize())
  }
}
