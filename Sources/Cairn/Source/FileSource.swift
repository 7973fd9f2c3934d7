internal import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of delimited text: plain, or compressed with gzip or Zstandard.
public struct FileSource: Source {
  /// The path as it was given.
  public let path: String
  /// How the file is parsed.
  public let options: SourceOptions

  /// Makes a source of the file at `path`, which is not looked at yet.
  ///
  /// - Parameters:
  ///   - path: The file's path; a relative one counts from the working folder.
  ///   - options: How it is parsed; `options.path` is not used.
  public init(path: String, options: SourceOptions = SourceOptions()) {
    self.path = path
    self.options = options
  }

  /// The last part of the path.
  public var name: String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// True: a file can be read again, from any place.
  public var isRepeatable: Bool { true }

  /// Opens the file and looks at its size, time and both ends.
  public func identify() async throws -> SourceIdentity {
    let path = path
    return try await BlockingExecutor.run { () throws(SourceError) in
      let file = try StoredFile(path: path)
      let fingerprint = try FileFingerprint(of: file)
      return SourceIdentity(
        fingerprint: fingerprint.content, path: Self.absolute(path), size: fingerprint.size,
        modifiedAt: fingerprint.modifiedAt)
    }
  }

  /// Reads the start of the file.
  public func resolve() async throws -> SourceLayout {
    let (path, options) = (path, options)
    return try await BlockingExecutor.run { () throws(SourceError) in
      let stored = PeekedStream(try StoredFile(path: path))
      let compression = try CompressedStream.compression(
        ofBytes: try stored.peek(CompressedStream.magicLength), path: path)
      let text = PeekedStream(
        try CompressedStream.decompressing(stored, compression, path: path))
      return try LayoutResolution(text, options: options, path: path, compression: compression)
        .layout()
    }
  }

  /// Opens the file and goes to `position`: by a seek, or by decompressing up to it.
  public func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    let reader = DelimitedChunkReader(
      FileInput(path: path), name: path, layout: layout, position: position, limits: limits)
    try await reader.start()
    return reader
  }

  /// Reads the file as far as the extents reach.
  public func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int? {
    let path = path
    let compression = layout.text?.compression ?? .none
    return try await BlockingExecutor.run { () throws(SourceError) in
      let stored = PeekedStream(try StoredFile(path: path))
      let found = try? CompressedStream.compression(
        ofBytes: try stored.peek(CompressedStream.magicLength), path: path)
      guard found == compression else { return recorded.isEmpty ? nil : 0 }
      let stream = try CompressedStream.decompressing(stored, compression, path: path)
      return try ExtentComparison.firstDifference(of: stream, at: 0, from: recorded)
    }
  }

  /// The absolute path, symbolic links resolved.
  private static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

/// A file, and what it looked like when it was opened to be read.
private final class FileInput: DelimitedInput {
  private let path: String
  private let opened = Mutex<FileFingerprint?>(nil)

  init(path: String) {
    self.path = path
  }

  func stream(
    at offset: UInt64, compression: SourceCompression
  ) throws(SourceError) -> any ByteStream {
    let file = try StoredFile(path: path)
    let fingerprint = try FileFingerprint(of: file)
    opened.withLock { $0 = fingerprint }
    let stream = try CompressedStream.decompressing(file, compression, path: path)
    guard try stream.skip(offset) == offset else {
      throw .positionOutside(path: path, offset: offset)
    }
    return stream
  }

  func verifyUnchanged() throws(SourceError) {
    let now: FileFingerprint
    do throws(SourceError) {
      now = try FileFingerprint(of: StoredFile(path: path))
    } catch .missing {
      // Deleted or renamed while it was open: what was read is all there was.
      return
    }
    if let before = opened.withLock({ $0 }), let detail = now.difference(from: before) {
      throw .changedWhileRead(path: path, detail: detail)
    }
  }
}
