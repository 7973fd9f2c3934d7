internal import Parquet

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Collects one column of a chunk, dictionary-coded: the field's bytes are hashed where they lie.
///
/// Values are numbered in the order in which they first appear. A column whose first rows hardly
/// repeat a value is not hashed further: it becomes plain, a value for each row. So does one that
/// repeats few after a quarter of the rows: what repeats because there are few values would repeat
/// more by then. That is decided from the chunk's own rows, so that a chunk always parses alike.
struct ColumnBuilder: ~Copyable {
  /// At least how many rows are looked at to tell whether a column repeats values.
  static let sampleRows = 1024

  /// A distinct value. Up to 16 bytes the words are the value itself, padded with zeros; beyond, a
  /// hash and the first eight bytes.
  private struct Entry {
    var word0: UInt64
    var word1: UInt64
    var slice: ByteSlice
  }

  /// From how many slots on the table is freed after a chunk, not kept for the next.
  private static let keptSlots = 1 << 15

  /// A free slot of the hash table. A used one has an entry's number in its low 20 bits and bits of
  /// the hash above, so that the tables of all columns fit the cache together and a look at a slot
  /// nearly always decides.
  private static let free = UInt32.max
  private static let idMask: UInt32 = (1 << 20) - 1
  /// As many entries as slots can number; a column with more distinct values becomes plain.
  private static let mostEntries = Int(idMask)

  private var slots: UnsafeMutablePointer<UInt32>
  /// How many slots there are, less one: a power of two, less one.
  private var slotMask: Int
  private var entries: UnsafeMutablePointer<Entry>
  private var entryCount = 0
  private var entryCapacity: Int

  private var indices: [UInt32] = []
  /// One for each row, once the column is plain.
  private var plainSlices: [ByteSlice] = []
  private let fieldHash = FieldHash.ofProcess
  private var rowCapacity = 0
  private var sampleRows = 0
  private var quarterRows = 0
  private var rowCount = 0
  private var isPlain = false
  /// Keeps the compiler from dropping looks at slots that are there for the cache alone.
  private var lastTouched: UInt32 = 0

  init() {
    slotMask = 63
    slots = .allocate(capacity: 64)
    entryCapacity = 32
    entries = .allocate(capacity: 32)
  }

  deinit {
    slots.deallocate()
    entries.deallocate()
  }

  /// Forgets the column before, and makes room for a chunk of `rows` rows.
  mutating func begin(rows: Int) {
    memset(slots, 0xFF, (slotMask + 1) * MemoryLayout<UInt32>.stride)
    entryCount = 0
    plainSlices = []
    indices = Array(unsafeUninitializedCapacity: rows) { _, count in count = rows }
    rowCapacity = rows
    sampleRows = max(Self.sampleRows, rows / 8)
    quarterRows = max(2 * Self.sampleRows, rows / 4)
    rowCount = 0
    isPlain = false
  }

  /// Adds field `column` of every row of `fields`.
  mutating func append(
    _ fields: borrowing FieldTable, column: Int, of text: UnsafeRawPointer, delimiterLength: Int,
    masks: borrowing WordMasks, hashed: UnsafeMutablePointer<HashedField>
  ) {
    if !isPlain {
      if hardlyRepeats || entryCount + fields.rows > Self.mostEntries { becomePlain() }
    }
    let bounds = UnsafePointer(fields.bounds + column)
    let gap = UInt32(truncatingIfNeeded: delimiterLength)
    if isPlain {
      appendPlain(bounds, stride: fields.stride, rows: fields.rows, gap)
    } else {
      appendHashed(bounds, stride: fields.stride, rows: fields.rows, gap, text, masks, hashed)
    }
    rowCount += fields.rows
  }

  private var hardlyRepeats: Bool {
    let repeats = rowCount - entryCount
    return rowCount >= sampleRows && repeats <= rowCount / 32
      || rowCount >= quarterRows && repeats <= rowCount / 8
  }

  /// The column's values, and for each row which it holds; nil when row `i` holds value `i`.
  mutating func finish() -> (slices: [ByteSlice], indices: [UInt32]?) {
    defer {
      plainSlices = []
      indices = []
      if slotMask >= Self.keptSlots { shrink() }
    }
    if isPlain {
      plainSlices.removeLast(rowCapacity - rowCount)
      return (plainSlices, nil)
    }
    let (entries, entryCount) = (entries, entryCount)
    let slices = [ByteSlice](unsafeUninitializedCapacity: entryCount) { slices, count in
      for index in 0..<entryCount { slices[index] = entries[index].slice }
      count = entryCount
    }
    if entryCount == rowCount { return (slices, nil) }
    indices.removeLast(rowCapacity - rowCount)
    return (slices, indices)
  }

  // MARK: Plain

  private mutating func becomePlain() {
    isPlain = true
    let (entries, rowCapacity, rowCount) = (entries, rowCapacity, rowCount)
    let indices = self.indices
    plainSlices = [ByteSlice](unsafeUninitializedCapacity: rowCapacity) { slices, count in
      for row in 0..<rowCount { slices[row] = entries[Int(indices[row])].slice }
      count = rowCapacity
    }
    self.indices = []
  }

  private mutating func appendPlain(
    _ bounds: UnsafePointer<UInt32>, stride: Int, rows: Int, _ gap: UInt32
  ) {
    let first = rowCount
    plainSlices.withUnsafeMutableBufferPointer { slices in
      guard let slices = slices.baseAddress.map({ $0 + first }) else { return }
      var bound = bounds
      for row in 0..<rows {
        let start = bound[0] &+ gap
        slices[row] = ByteSlice(offset: start, length: bound[1] &- start)
        bound += stride
      }
    }
  }

  // MARK: Hashed

  private mutating func appendHashed(
    _ bounds: UnsafePointer<UInt32>, stride: Int, rows: Int, _ gap: UInt32,
    _ text: UnsafeRawPointer, _ masks: borrowing WordMasks,
    _ hashed: UnsafeMutablePointer<HashedField>
  ) {
    // Taken out, so that the loop works on memory that nothing else refers to.
    var indices = self.indices
    self.indices = []
    let first = rowCount
    let masks = masks.words
    let fieldHash = self.fieldHash
    indices.withUnsafeMutableBufferPointer { indices in
      guard let ids = indices.baseAddress.map({ $0 + first }) else { return }
      var slots = self.slots
      var slotMask = self.slotMask
      var entries = self.entries
      // First all hashes, each with a look at its slot: the misses of many rows overlap, where a
      // look whose outcome decides a branch would wait for each in turn.
      var bound = bounds
      var touched: UInt32 = 0
      for row in 0..<rows {
        let start = bound[0] &+ gap
        let length = bound[1] &- start
        bound += stride
        let field = text + Int(start)
        var word0 = field.loadUnaligned(as: UInt64.self)
        var word1: UInt64
        if length <= 16 {
          let mask = masks + 2 &* Int(length)
          word0 &= mask[0]
          word1 = field.loadUnaligned(fromByteOffset: 8, as: UInt64.self) & mask[1]
        } else {
          word1 = word0
          word0 = fieldHash.long(field, length)
        }
        let hash = fieldHash.short(word0, word1, length)
        touched ^= slots[Int(truncatingIfNeeded: hash) & slotMask]
        hashed[row] = HashedField(
          word0: word0, word1: word1, hash: hash, start: start, length: length)
      }
      lastTouched = touched
      for row in 0..<rows {
        let (word0, word1, hash) = (hashed[row].word0, hashed[row].word1, hashed[row].hash)
        let (start, length) = (hashed[row].start, hashed[row].length)
        let field = text + Int(start)
        let tag = Self.tag(hash)
        var index = Int(truncatingIfNeeded: hash) & slotMask
        while true {
          let slot = slots[index]
          // A free slot looks like an entry only to a tag of all ones.
          if slot & ~Self.idMask == tag, slot != Self.free {
            let id = slot & Self.idMask
            let entry = entries + Int(id)
            if entry.pointee.word0 == word0, entry.pointee.word1 == word1,
              entry.pointee.slice.length == length,
              length <= 16
                || Self.areEqual(field, text + Int(entry.pointee.slice.offset), length)
            {
              ids[row] = id
              break
            }
          }
          if slot == Self.free {
            ids[row] = insert(
              Entry(
                word0: word0, word1: word1, slice: ByteSlice(offset: start, length: length)),
              tag, index)
            slots = self.slots
            slotMask = self.slotMask
            entries = self.entries
            break
          }
          index = (index &+ 1) & slotMask
        }
      }
    }
    self.indices = indices
  }

  /// Adds a value that is not in the table; `index` is the free slot for it.
  @inline(never)
  private mutating func insert(_ entry: Entry, _ tag: UInt32, _ index: Int) -> UInt32 {
    if entryCount == entryCapacity { growEntries() }
    let id = entryCount
    entries[id] = entry
    entryCount += 1
    slots[index] = tag | UInt32(truncatingIfNeeded: id)
    if entryCount * 8 > slotMask * 5 { growSlots() }
    return UInt32(truncatingIfNeeded: id)
  }

  private mutating func growEntries() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity * 2)
    larger.moveInitialize(from: entries, count: entryCount)
    entries.deallocate()
    entries = larger
    entryCapacity *= 2
  }

  private mutating func shrink() {
    slots.deallocate()
    entries.deallocate()
    slotMask = 63
    slots = .allocate(capacity: 64)
    entryCapacity = 32
    entries = .allocate(capacity: 32)
    entryCount = 0
  }

  private mutating func growSlots() {
    slots.deallocate()
    slotMask = 2 * slotMask + 1
    slots = .allocate(capacity: slotMask + 1)
    memset(slots, 0xFF, (slotMask + 1) * MemoryLayout<UInt32>.stride)
    for id in 0..<entryCount {
      let entry = entries[id]
      let hash = fieldHash.short(entry.word0, entry.word1, entry.slice.length)
      var index = Int(truncatingIfNeeded: hash) & slotMask
      while slots[index] != Self.free { index = (index + 1) & slotMask }
      slots[index] = Self.tag(hash) | UInt32(id)
    }
  }

  // MARK: Hashing

  /// The bits of a hash that a slot keeps: others than those that choose the slot.
  @inline(__always)
  private static func tag(_ hash: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: hash >> 32) & ~idMask
  }

  /// Whether two stretches of more than 16 bytes are equal.
  @inline(__always)
  private static func areEqual(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ length: UInt32
  ) -> Bool {
    let length = Int(length)
    var offset = 0
    while offset &+ 16 < length {
      if differ(left, right, offset) { return false }
      offset &+= 16
    }
    return !differ(left, right, length &- 16)
  }

  @inline(__always)
  private static func differ(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ offset: Int
  ) -> Bool {
    let low =
      left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      ^ right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let high =
      left.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
      ^ right.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
    return low | high != 0
  }
}

/// A field that was hashed but not looked up yet.
struct HashedField {
  var word0: UInt64
  var word1: UInt64
  var hash: UInt64
  var start: UInt32
  var length: UInt32
}

/// For each length of 0 to 16 bytes the masks of two words that it takes up.
struct WordMasks: ~Copyable {
  /// Two masks for each length.
  let words: UnsafeMutablePointer<UInt64>

  init() {
    words = .allocate(capacity: 34)
    for length in 0...16 {
      for half in 0..<2 {
        let bytes = min(max(length - 8 * half, 0), 8)
        // A smart shift by 64 gives 0. Bytes of a field come first in memory.
        words[2 * length + half] = (~(UInt64.max << (8 * bytes))).littleEndian
      }
    }
  }

  deinit { words.deallocate() }
}
