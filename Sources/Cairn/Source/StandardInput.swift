internal import Synchronization

/// Delimited text from standard input or another descriptor: read once, from its start.
///
/// What a run has not converted yet when it stops has to be given again: reading then passes over
/// what is known, by ``firstDifference(from:layout:)`` or ``open(_:at:limits:)``.
public struct StandardInput: Source {
  /// How the text is parsed.
  public let options: SourceOptions
  private let input: PipeInput

  /// Makes a source of a descriptor, from which nobody else may read. Nothing is read yet.
  ///
  /// - Parameters:
  ///   - options: How the text is parsed; `options.path` is not used.
  ///   - descriptor: An open descriptor; it is not closed.
  public init(options: SourceOptions = SourceOptions(), descriptor: Int32 = 0) {
    self.options = options
    input = PipeInput(name: "standard input", descriptor: descriptor)
  }

  /// `standard input`.
  public var name: String { input.name }

  /// False: what was read is gone.
  public var isRepeatable: Bool { false }

  /// The identity by the digest of all the (decompressed) text, however it was cut into chunks: known
  /// once it was read to its end.
  ///
  /// - Throws: ``SourceError/notReadToEnd(name:)``.
  public func identify() async throws -> SourceIdentity {
    let input = input
    return try await BlockingExecutor.run { () throws(SourceError) in try input.identity() }
  }

  /// Looks at the start of the text, which stays readable; later calls return the same.
  public func resolve() async throws -> SourceLayout {
    let (input, options) = (input, options)
    return try await BlockingExecutor.run { () throws(SourceError) in
      try input.layout(options)
    }
  }

  /// Starts reading at `position`, which must not have been read past.
  ///
  /// - Throws: ``SourceError/notRepeatable(name:offset:)``.
  public func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    let reader = DelimitedChunkReader(
      input, name: name, layout: layout, position: position, limits: limits)
    try await reader.start()
    return reader
  }

  /// Reads, and uses up, the text as far as the extents reach.
  ///
  /// - Throws: ``SourceError/notRepeatable(name:offset:)`` when that was read before.
  public func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int? {
    let input = input
    return try await BlockingExecutor.run { () throws(SourceError) in
      guard let first = recorded.first else { return nil }
      return try input.withText { text throws(SourceError) in
        guard text.offset <= first.extent.start.offset else {
          throw .notRepeatable(name: input.name, offset: first.extent.start.offset)
        }
        return try ExtentComparison.firstDifference(of: text, at: text.offset, from: recorded)
      }
    }
  }
}

/// A descriptor that can only be read on, shared by all who look at it.
private final class PipeInput: DelimitedInput {
  let name: String
  private let state: Mutex<Text>

  /// What was made of the descriptor.
  private struct Text: @unchecked Sendable {
    // @unchecked: reachable only through the mutex.
    let descriptor: Int32
    var opened: (text: PeekedStream, digested: DigestedStream, compression: SourceCompression)?
    var layout: SourceLayout?

    /// The decompressed text, and how it is compressed.
    mutating func open(
      name: String
    ) throws(SourceError) -> (
      text: PeekedStream, digested: DigestedStream, compression: SourceCompression
    ) {
      if let opened { return opened }
      let stored = PeekedStream(PipeStream(name: name, descriptor: descriptor))
      let compression = try CompressedStream.compression(
        ofBytes: try stored.peek(CompressedStream.magicLength), path: name)
      let digested = DigestedStream(
        try CompressedStream.decompressing(stored, compression, path: name))
      let made = (text: PeekedStream(digested), digested: digested, compression: compression)
      opened = made
      return made
    }
  }

  init(name: String, descriptor: Int32) {
    self.name = name
    state = Mutex(Text(descriptor: descriptor))
  }

  /// Calls `body` with the decompressed text; others wait meanwhile.
  func withText<Result: Sendable>(
    _ body: (PeekedStream) throws(SourceError) -> Result
  ) throws(SourceError) -> Result {
    try state.withLock { state throws(SourceError) in try body(try state.open(name: name).text) }
  }

  func identity() throws(SourceError) -> SourceIdentity {
    try state.withLock { state throws(SourceError) in
      let (text, digested, _) = try state.open(name: name)
      guard try text.peek(1).isEmpty else { throw .notReadToEnd(name: name) }
      return .content(digest: digested.hexadecimal)
    }
  }

  func layout(_ options: SourceOptions) throws(SourceError) -> SourceLayout {
    try state.withLock { state throws(SourceError) in
      if let layout = state.layout { return layout }
      let (text, _, compression) = try state.open(name: name)
      guard text.offset == 0 else { throw .notRepeatable(name: name, offset: 0) }
      let layout = try LayoutResolution(
        text, options: options, path: name, compression: compression
      ).layout()
      state.layout = layout
      return layout
    }
  }

  func stream(
    at offset: UInt64, compression: SourceCompression
  ) throws(SourceError) -> any ByteStream {
    try withText { text throws(SourceError) in
      guard text.offset <= offset else {
        throw .notRepeatable(name: name, offset: offset)
      }
      let missing = offset - text.offset
      guard try text.skip(missing) == missing else {
        throw .positionOutside(path: name, offset: offset)
      }
    }
    return SharedPipe(input: self)
  }

  /// Nothing to check: what comes out of a pipe cannot change.
  func verifyUnchanged() throws(SourceError) {}
}

/// The rest of a shared input.
private final class SharedPipe: ByteStream {
  private let input: PipeInput

  init(input: PipeInput) {
    self.input = input
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    nonisolated(unsafe) let destination = destination
    return try input.withText { text throws(SourceError) in
      try text.read(into: destination)
    }
  }
}
