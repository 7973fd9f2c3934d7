#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A split-block bloom filter (BloomFilter.md): says of a value that a column chunk does not have it, or
/// that it may have it.
public struct BloomFilter: Sendable, Hashable {
  /// Eight words of 32 bits make a block.
  private var words: [UInt32]

  private static let wordsPerBlock = 8
  private static let blockByteCount = 32
  /// The largest filter that other readers accept.
  static let mostBytes = 1 << 27

  private static let salt = SIMD8<UInt32>(
    0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947,
    0x5c6b_fb31)

  /// Makes an empty filter.
  ///
  /// - Parameters:
  ///   - distinctCount: How many different values it will take.
  ///   - falsePositiveRate: About which share of values that it did not take it may have, more than 0
  ///     and less than 1.
  init(distinctCount: Int, falsePositiveRate: Double) {
    let byteCount = Self.byteCount(
      distinctCount: distinctCount, falsePositiveRate: falsePositiveRate)
    words = [UInt32](repeating: 0, count: byteCount / 4)
  }

  /// Takes over a bit set, or gives nil if it is no number of blocks.
  init?(bits: UnsafeRawBufferPointer) {
    guard !bits.isEmpty, bits.count % Self.blockByteCount == 0, bits.count <= Self.mostBytes else {
      return nil
    }
    words = [UInt32](unsafeUninitializedCapacity: bits.count / 4) { target, count in
      UnsafeMutableRawBufferPointer(target).copyMemory(from: bits)
      count = bits.count / 4
    }
  }

  /// Size of the bit set: the power of two (which some readers insist on) that keeps the rate. Each
  /// value sets 8 bits of a block, so that the rate is (1 - e^(-8n/m))^8 for n values in m bits.
  static func byteCount(distinctCount: Int, falsePositiveRate: Double) -> Int {
    let bits = -8 * Double(distinctCount) / log(1 - pow(falsePositiveRate, 1.0 / 8))
    guard bits < Double(mostBytes * 8) else { return mostBytes }
    var byteCount = blockByteCount
    while Double(byteCount * 8) < bits { byteCount *= 2 }
    return byteCount
  }

  /// Bytes of the bit set.
  public var byteCount: Int { words.count * 4 }

  /// Calls `body` with the bit set as the file has it.
  func withBits<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try words.withUnsafeBytes(body)
  }

  @inline(__always)
  private func block(of hash: UInt64) -> Int {
    let blocks = UInt64(words.count / Self.wordsPerBlock)
    return Int(((hash >> 32) &* blocks) >> 32) * Self.wordsPerBlock
  }

  @inline(__always)
  private static func mask(of hash: UInt64) -> SIMD8<UInt32> {
    let key = SIMD8<UInt32>(repeating: UInt32(truncatingIfNeeded: hash))
    return SIMD8<UInt32>(repeating: 1) &<< ((key &* salt) &>> 27)
  }

  /// Takes a value in, by its hash.
  mutating func insert(hash: UInt64) {
    let start = block(of: hash)
    let mask = Self.mask(of: hash)
    for word in 0..<Self.wordsPerBlock { words[start + word] |= mask[word] }
  }

  /// Whether a value of this hash may be there.
  func mayContain(hash: UInt64) -> Bool {
    let start = block(of: hash)
    let mask = Self.mask(of: hash)
    for word in 0..<Self.wordsPerBlock where words[start + word] & mask[word] == 0 { return false }
    return true
  }

  /// Whether the column chunk may have a value.
  ///
  /// - Parameter value: The value in PLAIN encoding, byte arrays without length prefix.
  /// - Returns: False if the chunk certainly does not have it.
  public func mayContain(_ value: some Collection<UInt8>) -> Bool {
    mayContain(hash: Array(value).withUnsafeBytes { XxHash64.hash($0) })
  }
}

extension BloomFilter {
  /// Makes a filter of the values that a column chunk has.
  ///
  /// - Parameters:
  ///   - isUsed: For each value whether any row holds it; nil when all are.
  init(
    of values: ColumnValues, isUsed: UnsafePointer<UInt8>?, falsePositiveRate: Double
  ) {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(values.count)
    let width =
      switch values.physicalType {
      case .boolean: 1
      case .int32, .float: 4
      case .int64, .double: 8
      case .int96: 12
      case .byteArray, .fixedLengthByteArray: 0
      }
    for index in 0..<values.count {
      if let isUsed, isUsed[index] == 0 { continue }
      let bytes =
        width == 0
        ? values.bytes(at: index)
        : UnsafeRawBufferPointer(start: values.base + index * width, count: width)
      hashes.append(XxHash64.hash(bytes))
    }
    hashes.sort()
    var distinctCount = 0
    for index in hashes.indices where index == 0 || hashes[index] != hashes[index - 1] {
      hashes[distinctCount] = hashes[index]
      distinctCount += 1
    }
    self.init(distinctCount: distinctCount, falsePositiveRate: falsePositiveRate)
    for hash in hashes[..<distinctCount] { insert(hash: hash) }
  }
}
