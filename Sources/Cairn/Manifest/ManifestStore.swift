#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The manifest's file in a run's folder, replaced atomically.
struct ManifestStore: Sendable {
  /// The file's name.
  static let fileName = "manifest.json"

  let folder: String
  let faults: FaultPoints

  var path: String { FilePaths.join(folder, Self.fileName) }

  /// Reads the manifest; nil when there is none.
  func read() throws -> Manifest? {
    guard let bytes = try WholeFile.read(path, limit: 256 << 20) else { return nil }
    return try ManifestFormat.read(bytes, path: path)
  }

  /// The manifest's format version, without reading all of it; nil when there is no manifest or it is
  /// too damaged to say.
  func version() throws -> Int? {
    guard let bytes = try WholeFile.read(path, limit: 256 << 20) else { return nil }
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
    guard let key = text.range(of: "\"format_version\":") else { return nil }
    let digits = text[key.upperBound...].drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
    return Int(digits)
  }

  /// Writes aside, syncs, renames, syncs the folder.
  func write(_ manifest: Manifest) throws {
    faults.reach(.manifestBefore)
    let bytes = ManifestFormat.write(manifest)
    let aside = path + ".tmp"
    let descriptor = try DurableFile.create(aside)
    do {
      try bytes.withUnsafeBytes { bytes in
        try DurableFile.write(bytes, to: descriptor, path: aside)
      }
      try DurableFile.sync(descriptor, path: aside)
      close(descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    faults.reach(.manifestBeforeRename)
    try DurableFile.rename(aside, to: path)
    faults.reach(.manifestAfterRename)
    try DurableFile.syncFolder(folder)
  }

  /// Keeps a damaged manifest aside, so that it can be looked at, and returns its new path.
  func keepAside() throws(FileError) -> String {
    let kept = path + ".damaged"
    try DurableFile.rename(path, to: kept)
    return kept
  }
}

/// Reads small files whole.
enum WholeFile {
  /// The bytes of a file; nil when there is none.
  static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw FileError("open", path)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("inspect", path) }
    let size = Int(status.st_size)
    guard size <= limit else { throw FileError("read", path, code: EFBIG) }
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = 0
      while count < size {
        let got = readSome(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 {
          if errno == EINTR { continue }
          failure = FileError("read", path)
          return
        }
        if got == 0 { return }
        count += got
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

private func readSome(_ descriptor: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int)
  -> Int
{
  read(descriptor, bytes, count)
}
