#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Finds equal values of a column that does not come dictionary-coded, so that it can be written as
/// a dictionary of different values and indices into it.
///
/// Values are equal when their bytes are: NaNs of different bits, and the two zeros, stay apart.
struct DictionaryBuilder: ~Copyable {
  private var table = ScratchArray<UInt32>()
  private var keys = ScratchArray<UInt64>()
  private var numbered = ScratchArray<UInt32>()
  private var firsts = ScratchArray<UInt32>()

  /// A number a value, by its position: the place of its equals in the dictionary.
  private(set) var codes: UnsafePointer<UInt32>?
  /// Where the first of each equal values is, in the order of their codes.
  private(set) var distinct: UnsafePointer<UInt32>?
  /// How many different values there are.
  private(set) var distinctCount = 0

  /// Where in the table to look for a key is not for others to know.
  private let secret = HashSecret()

  init() {}

  /// Looks for equal values.
  ///
  /// - Parameters:
  ///   - selection: The values to look through.
  ///   - byteLimit: The most bytes that the dictionary may have in PLAIN; nil for any number, then
  ///     however little the dictionary saves.
  /// - Returns: False if no dictionary of that size holds all values, or hardly any value is there
  ///   twice.
  mutating func build(
    _ values: ColumnValues, _ selection: ValueSelection, byteLimit: Int?
  ) -> Bool {
    switch values.physicalType {
    case .boolean, .int96: return false
    case .int32, .float:
      let source = NumberKeys(
        base: values.base.assumingMemoryBound(to: UInt32.self), secret: secret)
      return build(source, values.count, selection, byteLimit)
    case .int64, .double:
      let source = NumberKeys(
        base: values.base.assumingMemoryBound(to: UInt64.self), secret: secret)
      return build(source, values.count, selection, byteLimit)
    case .byteArray, .fixedLengthByteArray:
      guard let slices = values.slices else { return false }
      let source = StringKeys(
        base: values.base, slices: slices,
        lengthBytes: values.physicalType == .byteArray ? 4 : 0, secret: secret)
      return build(source, values.count, selection, byteLimit)
    }
  }

  private mutating func build<Source: DictionaryKeys>(
    _ source: Source, _ valueCount: Int, _ selection: ValueSelection, _ byteLimit: Int?
  ) -> Bool {
    codes = nil
    distinct = nil
    if byteLimit != nil, !looksRepeated(source, valueCount, selection) { return false }
    let limit = byteLimit ?? .max
    begin(capacity: min(selection.count, limit / source.leastSize), valueCount)
    guard add(source, selection, byteLimit: limit) else { return false }
    codes = UnsafePointer(numbered.memory)
    distinct = UnsafePointer(firsts.memory)
    return true
  }

  // MARK: Sampling

  /// From how many values on a sample is looked at first.
  private static let leastSampledCount = 1 << 16
  private static let sampleBlocks = 16
  private static let sampleBlockSize = 1 << 10

  /// Whether values seem to be there more than once, by blocks of them from all over the column.
  ///
  /// Of `n` values drawn from `d` different ones about `n * n / 2d` are there twice: where fewer
  /// than one in 64 of 16384 are, half a million different ones or more must be expected, and no
  /// dictionary gains much.
  private mutating func looksRepeated<Source: DictionaryKeys>(
    _ source: Source, _ valueCount: Int, _ selection: ValueSelection
  ) -> Bool {
    guard selection.count >= Self.leastSampledCount else { return true }
    let step = selection.count / Self.sampleBlocks
    let sampled = Self.sampleBlocks * Self.sampleBlockSize
    begin(capacity: sampled, valueCount)
    for block in 0..<Self.sampleBlocks {
      var part = selection
      part.count = Self.sampleBlockSize
      if let positions = selection.positions {
        part.positions = positions + block * step
      } else {
        part.first = selection.first + block * step
      }
      _ = add(source, part, byteLimit: .max)
    }
    return distinctCount <= sampled - sampled / 64
  }

  // MARK: Numbering

  private var tableBits = 0
  private var byteCount = 0

  private mutating func begin(capacity: Int, _ valueCount: Int) {
    distinctCount = 0
    byteCount = 0
    firsts.room(for: capacity)
    keys.room(for: capacity)
    numbered.room(for: valueCount)
    setTable(bits: 12)
  }

  private mutating func setTable(bits: Int) {
    tableBits = bits
    table.room(for: 1 << bits).update(repeating: Self.empty, count: 1 << bits)
  }

  private static let empty = UInt32.max

  /// Numbers the selected values.
  ///
  /// - Returns: False once the different ones have more than `byteLimit` bytes.
  private mutating func add<Source: DictionaryKeys>(
    _ source: Source, _ selection: ValueSelection, byteLimit: Int
  ) -> Bool {
    let numbered = self.numbered.memory
    let firsts = self.firsts.memory
    let keys = self.keys.memory
    var table = self.table.memory
    var mask = 1 << tableBits - 1
    var shift = UInt64(64 - tableBits)
    for index in 0..<selection.count {
      let position = selection[index]
      let key = source.key(at: position)
      var slot = Int(truncatingIfNeeded: source.hash(key) &>> shift)
      while true {
        let code = table[slot]
        if code == Self.empty {
          byteCount &+= source.size(at: position)
          guard byteCount <= byteLimit else { return false }
          table[slot] = UInt32(truncatingIfNeeded: distinctCount)
          keys[distinctCount] = key
          firsts[distinctCount] = UInt32(truncatingIfNeeded: position)
          numbered[position] = UInt32(truncatingIfNeeded: distinctCount)
          distinctCount &+= 1
          if distinctCount &* 2 > mask {
            grow(source)
            table = self.table.memory
            mask = 1 << tableBits - 1
            shift = UInt64(64 - tableBits)
          }
          break
        }
        if keys[Int(code)] == key, source.isEqual(position, Int(firsts[Int(code)])) {
          numbered[position] = code
          break
        }
        slot = (slot &+ 1) & mask
      }
    }
    return true
  }

  private mutating func grow<Source: DictionaryKeys>(_ source: Source) {
    setTable(bits: tableBits + 2)
    let table = self.table.memory
    let keys = self.keys.memory
    let mask = 1 << tableBits - 1
    let shift = UInt64(64 - tableBits)
    for code in 0..<distinctCount {
      var slot = Int(truncatingIfNeeded: source.hash(keys[code]) &>> shift)
      while table[slot] != Self.empty { slot = (slot &+ 1) & mask }
      table[slot] = UInt32(truncatingIfNeeded: code)
    }
  }
}

/// Values as a dictionary's builder compares them.
private protocol DictionaryKeys {
  /// The fewest bytes that a value has in PLAIN.
  var leastSize: Int { get }
  /// A number that equal values share.
  func key(at position: Int) -> UInt64
  /// Bytes of a value in PLAIN.
  func size(at position: Int) -> Int
  /// Whether two values of the same key are equal.
  func isEqual(_ left: Int, _ right: Int) -> Bool
  /// Where in the table to look for a key: its upper bits.
  func hash(_ key: UInt64) -> UInt64
}

/// Numbers are their own keys.
private struct NumberKeys<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>:
  DictionaryKeys
{
  let base: UnsafePointer<Bits>
  let secret: HashSecret

  var leastSize: Int { MemoryLayout<Bits>.size }
  @inline(__always) func key(at position: Int) -> UInt64 { UInt64(base[position]) }
  @inline(__always) func size(at position: Int) -> Int { MemoryLayout<Bits>.size }
  @inline(__always) func isEqual(_ left: Int, _ right: Int) -> Bool { true }
  @inline(__always) func hash(_ key: UInt64) -> UInt64 { secret.mix(key) }
}

/// The hash of a byte string is its key.
private struct StringKeys: DictionaryKeys {
  let base: UnsafeRawPointer
  let slices: UnsafePointer<ByteSlice>
  let lengthBytes: Int
  let secret: HashSecret

  var leastSize: Int { max(lengthBytes, 1) }

  @inline(__always) func key(at position: Int) -> UInt64 {
    let slice = slices[position]
    let start = base + Int(slice.offset)
    var hash = UInt64(slice.length)
    var rest = Int(slice.length)
    var place = start
    while rest >= 8 {
      hash = secret.mix(hash ^ place.loadUnaligned(as: UInt64.self))
      place += 8
      rest &-= 8
    }
    if rest > 0 {
      var last: UInt64 = 0
      if slice.length >= 8 {
        last = (place + (rest &- 8)).loadUnaligned(as: UInt64.self)
      } else {
        for index in 0..<rest {
          last |= UInt64(place.load(fromByteOffset: index, as: UInt8.self)) &<< UInt64(8 &* index)
        }
      }
      hash = secret.mix(hash ^ last)
    }
    return hash
  }

  @inline(__always) func size(at position: Int) -> Int {
    lengthBytes &+ Int(slices[position].length)
  }

  @inline(__always) func isEqual(_ left: Int, _ right: Int) -> Bool {
    let one = slices[left]
    let other = slices[right]
    return one.length == other.length
      && memcmp(base + Int(one.offset), base + Int(other.offset), Int(one.length)) == 0
  }

  @inline(__always) func hash(_ key: UInt64) -> UInt64 { secret.mix(key) }
}

/// Numbers of its own for each table, so that nobody can choose values that all fall on one place of
/// it. What is written does not depend on them.
private struct HashSecret {
  private let addend: UInt64
  private let factor: UInt64

  init() {
    var random = SystemRandomNumberGenerator()
    addend = random.next()
    factor = random.next() | 1
  }

  @inline(__always)
  func mix(_ value: UInt64) -> UInt64 {
    let product = (value ^ addend).multipliedFullWidth(by: factor)
    return product.high ^ product.low
  }
}
