/// Collects the values of a column chunk from its pages.
struct ColumnValuesBuilder: ~Copyable {
  private let type: PhysicalType
  private let fixedLength: Int
  private let byteLimit: Int
  /// Values of fixed width, as they lie in a PLAIN page.
  private var numbers: NumberStorage
  private var slices: GrowingArray<ByteSlice>
  /// The values of a dictionary that rows are written out from.
  private var dictionaryNumbers: NumberStorage
  private var dictionarySlices = GrowingArray<ByteSlice>()
  /// The block that slices lie in.
  private var bytes: UnsafeMutableRawBufferPointer
  private var byteCount = 0
  /// How many values there are.
  private(set) var count = 0

  init(
    type: PhysicalType, fixedLength: Int?, valueCapacity: Int, byteCapacity: Int, byteLimit: Int
  ) {
    self.type = type
    self.fixedLength = fixedLength ?? 0
    self.byteLimit = byteLimit
    dictionaryNumbers = NumberStorage(type: type, width: Self.width(of: type), capacity: 0)
    let holdsByteStrings = type == .byteArray || type == .fixedLengthByteArray
    numbers = NumberStorage(type: type, width: Self.width(of: type), capacity: valueCapacity)
    slices = GrowingArray(capacity: holdsByteStrings ? valueCapacity : 0)
    bytes = .allocate(
      byteCount: (holdsByteStrings ? byteCapacity : 0) + PageBytes.slack, alignment: 16)
  }

  deinit { bytes.deallocate() }

  /// Makes the values so far a dictionary, from which ``appendCoded(_:count:)`` takes others, and
  /// begins anew with room for `capacity` values.
  mutating func beginRows(capacity: Int) {
    swap(&dictionaryNumbers, &numbers)
    swap(&dictionarySlices, &slices)
    numbers = NumberStorage(type: type, width: Self.width(of: type), capacity: capacity)
    slices = GrowingArray(capacity: holdsByteStrings ? capacity : 0)
    count = 0
  }

  /// Whether values are slices of a block of bytes.
  var holdsByteStrings: Bool { type == .byteArray || type == .fixedLengthByteArray }

  private static func width(of type: PhysicalType) -> Int {
    switch type {
    case .boolean: 1
    case .int32, .float: 4
    case .int64, .double: 8
    case .int96: 12
    case .byteArray, .fixedLengthByteArray: 0
    }
  }

  /// The values.
  consuming func finish() -> PhysicalValues {
    switch type {
    case .byteArray: return .byteArray(strings())
    case .fixedLengthByteArray: return .fixedLengthByteArray(strings())
    case .boolean, .int32, .int64, .int96, .float, .double: return numbers.takeValues()
    }
  }

  private mutating func strings() -> ByteStrings {
    let storage = ByteStorage(adopting: bytes, count: byteCount)
    bytes = .allocate(byteCount: 1, alignment: 1)  // what `deinit` frees instead
    return ByteStrings(storage: storage, slices: slices.takeArray())
  }

  // MARK: Bytes

  /// Lets `fill` write `added` bytes to the block's end, and gives them as a page whose positions
  /// are those of the block.
  mutating func appendBytes(
    _ added: Int, fileOffset: Int,
    _ fill: (UnsafeMutableRawBufferPointer) throws(ParquetError) -> Void
  ) throws(ParquetError) -> PageBytes {
    try reserveBytes(added)
    try fill(UnsafeMutableRawBufferPointer(rebasing: bytes[byteCount..<byteCount + added]))
    let end = byteCount + added
    var page = PageBytes(UnsafeRawBufferPointer(rebasing: bytes[..<end]), fileOffset: fileOffset)
    page.position = byteCount
    byteCount = end
    return page
  }

  private mutating func reserveBytes(_ added: Int) throws(ParquetError) {
    guard added <= byteLimit - byteCount else {
      throw ParquetError(
        .limitExceeded, expected: "at most \(byteLimit) bytes of values in a column chunk",
        found: "\(byteCount + added) or more")
    }
    guard bytes.count - byteCount - PageBytes.slack < added else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(bytes.count * 2, byteCount + added + PageBytes.slack), alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]))
    bytes.deallocate()
    bytes = larger
  }

  // MARK: Encodings

  /// Appends values of the dictionary, each of whose `codes` it has.
  mutating func appendCoded(_ codes: UnsafePointer<UInt32>, count added: Int) {
    if holdsByteStrings {
      let target = slices.room(for: added)
      let source = dictionarySlices.base
      for index in 0..<added { target[index] = source[Int(codes[index])] }
      slices.advance(added)
    } else {
      let width = Self.width(of: type)
      numbers.reserve(added * width)
      // By type, each with the width above: what is gathered must be what was made room for.
      switch type {
      case .boolean: gather(codes, added, as: UInt8.self)
      case .int32, .float: gather(codes, added, as: UInt32.self)
      case .int64, .double: gather(codes, added, as: UInt64.self)
      case .int96: gather(codes, added, as: Int96.self)
      case .byteArray, .fixedLengthByteArray: break  // above
      }
      numbers.advance(added * width)
    }
    count += added
  }

  private func gather<Bits: BitwiseCopyable>(
    _ codes: UnsafePointer<UInt32>, _ added: Int, as: Bits.Type
  ) {
    let source = dictionaryNumbers.base.assumingMemoryBound(to: Bits.self)
    let target = numbers.end.assumingMemoryBound(to: Bits.self)
    for index in 0..<added { target[index] = source[Int(codes[index])] }
  }

  /// Appends `added` values in PLAIN; those of byte strings must lie in this builder's block.
  mutating func appendPlain(_ page: inout PageBytes, count added: Int) throws(ParquetError) {
    switch type {
    case .boolean: try appendBits(&page, count: added)
    case .int32, .int64, .int96, .float, .double:
      let length = added * Self.width(of: type)
      try page.require(length, "\(added) values")
      numbers.append(UnsafeRawBufferPointer(start: page.start, count: length))
      page.position += length
    case .byteArray: try appendByteArrays(&page, count: added)
    case .fixedLengthByteArray: try appendFixedLength(&page, count: added)
    }
    count += added
  }

  private mutating func appendBits(_ page: inout PageBytes, count: Int) throws(ParquetError) {
    let length = (count + 7) / 8
    try page.require(length, "\(count) booleans")
    numbers.reserve(count)
    for index in 0..<count {
      let byte = page.start.load(fromByteOffset: index >> 3, as: UInt8.self)
      numbers.end.storeBytes(
        of: byte &>> UInt8(index & 7) & 1, toByteOffset: index, as: UInt8.self)
    }
    numbers.advance(count)
    page.position += length
  }

  private mutating func appendByteArrays(
    _ page: inout PageBytes, count: Int
  ) throws(ParquetError) {
    guard count <= page.count / 4 else {
      throw page.malformed("\(count) byte arrays", "only \(page.count) bytes")
    }
    let target = slices.room(for: count)
    var position = page.position
    let end = page.end
    for index in 0..<count {
      guard end - position >= 4 else {
        page.position = position
        throw page.malformed("the length of value \(index)", "\(end - position) bytes")
      }
      let length = page.base.loadUnaligned(fromByteOffset: position, as: UInt32.self)
      position &+= 4
      guard Int(length) <= end &- position else {
        page.position = position
        throw page.malformed("\(length) bytes of value \(index)", "\(end - position)")
      }
      target[index] = ByteSlice(
        offset: UInt32(truncatingIfNeeded: position), length: length)
      position &+= Int(length)
    }
    slices.advance(count)
    page.position = position
  }

  private mutating func appendFixedLength(
    _ page: inout PageBytes, count: Int
  ) throws(ParquetError) {
    guard count <= page.count / fixedLength else {
      throw page.malformed("\(count) values of \(fixedLength) bytes", "\(page.count) bytes")
    }
    let target = slices.room(for: count)
    for index in 0..<count {
      target[index] = ByteSlice(
        offset: UInt32(truncatingIfNeeded: page.position), length: UInt32(fixedLength))
      page.position += fixedLength
    }
    slices.advance(count)
  }

  /// Appends `added` booleans in RLE.
  mutating func appendRunLength(
    _ page: inout PageBytes, count added: Int, _ scratch: DecoderScratch
  ) throws(ParquetError) {
    guard type == .boolean else { throw misplaced(.rle) }
    let length = try page.length("the length of booleans")
    var part = try page.part(length, "booleans")
    let values = scratch.codes.room(for: added + RunLengthBitPackedReader.slack)
    try RunLengthBitPackedReader.read(&part, count: added, width: 1, to: values)
    try part.requireEnd()
    numbers.reserve(added)
    for index in 0..<added {
      numbers.end.storeBytes(
        of: UInt8(truncatingIfNeeded: values[index] & 1), toByteOffset: index, as: UInt8.self)
    }
    numbers.advance(added)
    count += added
  }

  /// Appends `added` integers in DELTA_BINARY_PACKED.
  mutating func appendDeltas(_ page: inout PageBytes, count added: Int) throws(ParquetError) {
    guard type == .int32 || type == .int64 else { throw misplaced(.deltaBinaryPacked) }
    numbers.reserve(added * Self.width(of: type))
    if type == .int32 {
      try DeltaBinaryPackedReader.read(
        &page, count: added, to: numbers.end.assumingMemoryBound(to: Int32.self))
    } else {
      try DeltaBinaryPackedReader.read(
        &page, count: added, to: numbers.end.assumingMemoryBound(to: Int64.self))
    }
    numbers.advance(added * Self.width(of: type))
    count += added
  }

  /// Appends `added` byte arrays in DELTA_LENGTH_BYTE_ARRAY, which lie in this builder's block.
  mutating func appendDeltaLengths(
    _ page: inout PageBytes, count added: Int, _ scratch: DecoderScratch
  ) throws(ParquetError) {
    guard type == .byteArray else { throw misplaced(.deltaLengthByteArray) }
    let lengths = scratch.lengths.room(for: added)
    try DeltaBinaryPackedReader.read(&page, count: added, to: lengths)
    let target = slices.room(for: added)
    for index in 0..<added {
      let length = Int(lengths[index])
      try page.require(length, "value \(index)")
      target[index] = ByteSlice(
        offset: UInt32(truncatingIfNeeded: page.position),
        length: UInt32(truncatingIfNeeded: length))
      page.position += length
    }
    slices.advance(added)
    count += added
  }

  /// Appends `added` byte arrays in DELTA_BYTE_ARRAY, writing each out.
  mutating func appendDeltaStrings(
    _ page: inout PageBytes, count added: Int, _ scratch: DecoderScratch
  ) throws(ParquetError) {
    guard holdsByteStrings else { throw misplaced(.deltaByteArray) }
    let prefixes = scratch.lengths.room(for: added)
    try DeltaBinaryPackedReader.read(&page, count: added, to: prefixes)
    let suffixes = scratch.suffixLengths.room(for: added)
    try DeltaBinaryPackedReader.read(&page, count: added, to: suffixes)
    var total = 0
    var suffixTotal = 0
    var lengthBefore = 0
    for index in 0..<added {
      let prefix = Int(prefixes[index])
      let suffix = Int(suffixes[index])
      guard prefix >= 0, prefix <= lengthBefore, suffix >= 0 else {
        throw page.malformed(
          "value \(index) to share at most \(lengthBefore) bytes with the one before",
          "\(prefix), and \(suffix) more")
      }
      lengthBefore = prefix + suffix
      suffixTotal += suffix
      guard type == .byteArray || lengthBefore == fixedLength else {
        throw page.malformed("a value of \(fixedLength) bytes", "\(lengthBefore)")
      }
      total += lengthBefore
      guard total <= byteLimit else { break }  // said below
    }
    try page.require(suffixTotal, "values")  // before there is memory for them
    try reserveBytes(total)
    guard let block = bytes.baseAddress else { return }
    let target = slices.room(for: added)
    var before = byteCount
    for index in 0..<added {
      let prefix = Int(prefixes[index])
      let suffix = Int(suffixes[index])
      let start = byteCount
      (block + start).copyMemory(from: block + before, byteCount: prefix)
      (block + start + prefix).copyMemory(from: page.start, byteCount: suffix)
      page.position += suffix
      byteCount += prefix + suffix
      target[index] = ByteSlice(
        offset: UInt32(truncatingIfNeeded: start),
        length: UInt32(truncatingIfNeeded: prefix + suffix))
      before = start
    }
    slices.advance(added)
    count += added
  }

  /// Appends `added` values in BYTE_STREAM_SPLIT (Encodings.md, 9): the first bytes of all values,
  /// then the second ones, and so on.
  mutating func appendSplitBytes(_ page: inout PageBytes, count added: Int) throws(ParquetError) {
    let width = holdsByteStrings ? fixedLength : Self.width(of: type)
    guard type != .boolean, type != .byteArray, type != .int96 else {
      throw misplaced(.byteStreamSplit)
    }
    let length = added.multipliedSaturating(by: width)
    try page.require(length, "\(added) values")
    let target: UnsafeMutableRawPointer
    if holdsByteStrings {
      try reserveBytes(length)
      guard let block = bytes.baseAddress else { return }
      target = block + byteCount
      let places = slices.room(for: added)
      for index in 0..<added {
        places[index] = ByteSlice(
          offset: UInt32(truncatingIfNeeded: byteCount + index * width),
          length: UInt32(truncatingIfNeeded: width))
      }
      slices.advance(added)
      byteCount += length
    } else {
      numbers.reserve(length)
      target = numbers.end
      numbers.advance(length)
    }
    for stream in 0..<width {
      let source = page.start + stream * added
      for index in 0..<added {
        target.storeBytes(
          of: source.load(fromByteOffset: index, as: UInt8.self),
          toByteOffset: index &* width &+ stream, as: UInt8.self)
      }
    }
    page.position += length
    count += added
  }

  private func misplaced(_ encoding: Encoding) -> ParquetError {
    ParquetError(
      .malformed, expected: "an encoding that \(type) can have", found: "\(encoding)")
  }
}
