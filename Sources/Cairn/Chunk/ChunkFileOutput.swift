import Parquet

/// Writes a chunk file in large pieces, with errors that name the file: a full disk is told apart
/// from everything else.
final class ChunkFileOutput: ByteOutput {
  private let descriptor: Int32
  private let path: String
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
  private var held = 0

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { buffer.deallocate() }

  func append(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count > buffer.count {
      try DurableFile.write(bytes, to: descriptor, path: path)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyMemory(from: bytes)
      held += bytes.count
    }
  }

  func flush() throws {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<held])
    held = 0
    try DurableFile.write(bytes, to: descriptor, path: path)
  }
}
