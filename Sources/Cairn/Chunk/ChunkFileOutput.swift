import Crypto
import Parquet

/// Writes a chunk file in large pieces, with errors that name the file: a full disk is told apart
/// from everything else. Digests its pages on the way, so that they need not be read back.
final class ChunkFileOutput: ByteOutput {
  private let descriptor: Int32
  private let path: String
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
  private var held = 0
  /// Of the bytes held, how many are digested.
  private var digested = 0
  private var digest = SHA256()
  private var isDigesting = true

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { buffer.deallocate() }

  func append(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count > buffer.count {
      if isDigesting { digest.update(bufferPointer: bytes) }
      try DurableFile.write(bytes, to: descriptor, path: path)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyMemory(from: bytes)
      held += bytes.count
    }
  }

  func flush() throws {
    digestHeld()
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<held])
    held = 0
    digested = 0
    try DurableFile.write(bytes, to: descriptor, path: path)
  }

  /// SHA-256 of the file up to here, not finalized; what follows is not digested.
  func digestOfPages() -> SHA256 {
    digestHeld()
    isDigesting = false
    return digest
  }

  private func digestHeld() {
    guard isDigesting, held > digested else { return }
    digest.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[digested..<held]))
    digested = held
  }
}
