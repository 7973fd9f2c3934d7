#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Writes encoded values one after the other.
///
/// Each value takes room for itself first, so that its parts are written without asking again.
struct ValueWriter: ~Copyable {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  private var count = 0
  private var starts: [UInt32] = []
  private var unfit: [UInt32: String] = [:]

  /// - Parameters:
  ///   - count: How many values will come.
  ///   - byteCount: About how many bytes of text they have.
  init(count: Int, byteCount: Int = 0) {
    starts.reserveCapacity(count + 2)
    capacity = max(64, byteCount + count * (byteCount == 0 ? 16 : 4) + 8)
    memory = .allocate(byteCount: capacity, alignment: 1)
  }

  deinit { memory.deallocate() }

  /// Writes the NULL that ends a column.
  ///
  /// - Returns: All bytes, where each value and the NULL begin and where that ends, and the values
  ///   that were refused.
  consuming func finish() -> (bytes: [UInt8], starts: [UInt32], unfit: [UInt32: String]) {
    null()
    starts.append(UInt32(count))
    return (
      Array(UnsafeRawBufferPointer(start: memory, count: count)), starts, unfit
    )
  }

  /// Begins a value that takes at most so many bytes, its length included.
  @inline(__always)
  private mutating func begin(atMost size: Int) {
    if size > capacity - count { grow(by: size) }
    starts.append(UInt32(truncatingIfNeeded: count))
  }

  private mutating func grow(by size: Int) {
    // Beyond 4 GiB a value's place has no number; no chunk comes near.
    precondition(count + size <= UInt32.max, "a column of more than 4 GiB")
    capacity = max(capacity * 2, count + size)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
    larger.copyMemory(from: memory, byteCount: count)
    memory.deallocate()
    memory = larger
  }

  /// A value without bytes of its own.
  mutating func null() {
    begin(atMost: 4)
    append(Int32(-1))
  }

  /// A value that the column does not hold; its rows are rejected.
  mutating func refuse(_ reason: String) {
    unfit[UInt32(starts.count)] = reason
    null()
  }

  /// Bytes as they are.
  mutating func raw(_ value: UnsafeRawBufferPointer) {
    begin(atMost: 4 + value.count)
    append(Int32(value.count))
    append(value)
  }

  /// A number in as many bytes as its type has.
  @inline(__always)
  mutating func fixed<Number: FixedWidthInteger>(_ number: Number) {
    begin(atMost: 4 + MemoryLayout<Number>.size)
    append(Int32(MemoryLayout<Number>.size))
    append(number)
  }

  /// Text of at most `limit` characters; blanks beyond it fall away, as SQL has it.
  mutating func text(_ text: UnsafeRawBufferPointer, limit: Int?, version: UInt8? = nil) {
    if let start = text.baseAddress, memchr(start, 0, text.count) != nil {
      refuse("the text has a zero byte, which PostgreSQL does not store")
      return
    }
    var text = text
    if let limit, text.count > limit {
      var characters = 0
      var end = text.count
      for (position, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
        characters += 1
        if characters > limit {
          end = position
          break
        }
      }
      guard text[end...].allSatisfy({ $0 == 0x20 }) else {
        refuse("the text is longer than the \(limit) characters that the column holds")
        return
      }
      text = UnsafeRawBufferPointer(rebasing: text[..<end])
    }
    begin(atMost: 5 + text.count)
    append(Int32(text.count + (version == nil ? 0 : 1)))
    if let version { append(version) }
    append(text)
  }

  /// A float of 4 bytes: the nearest to the number.
  mutating func single(_ number: Double) {
    let single = Float(number)
    guard single.isFinite || !number.isFinite else {
      refuse("the number is beyond what a real holds")
      return
    }
    fixed(single.bitPattern)
  }

  /// A day given as days since 1970-01-01.
  mutating func date(_ days: Int32) {
    // The outermost values mean infinity.
    let (shifted, overflow) = days.subtractingReportingOverflow(10_957)
    guard !overflow, shifted != .max, shifted != .min else {
      refuse("the day is beyond what a date holds")
      return
    }
    fixed(shifted)
  }

  /// A time of day given as microseconds since midnight.
  mutating func time(_ microseconds: Int64, step: Int64) {
    guard step == 1 || microseconds % step == 0 else {
      refuse("the time has more digits of a second than the column keeps")
      return
    }
    fixed(microseconds)
  }

  /// A moment given as microseconds since 1970-01-01.
  mutating func timestamp(_ time: (partialValue: Int64, overflow: Bool), step: Int64) {
    let (shifted, overflow) = time.partialValue
      .subtractingReportingOverflow(946_684_800_000_000)
    guard !overflow, !time.overflow, shifted != .max, shifted != .min else {
      refuse("the moment is beyond what a timestamp holds")
      return
    }
    guard step == 1 || shifted % step == 0 else {
      refuse("the time has more digits of a second than the column keeps")
      return
    }
    fixed(shifted)
  }

  /// A decimal number, given as its digits without the point, in a column of numbers.
  mutating func number(_ unscaled: Int128, scale: Int, as form: WireForm) {
    switch form {
    case .integer(2):
      guard let number = Int16(exactly: unscaled) else { return refuseRange("smallint") }
      fixed(number)
    case .integer(4):
      guard let number = Int32(exactly: unscaled) else { return refuseRange("integer") }
      fixed(number)
    case .integer:
      guard let number = Int64(exactly: unscaled) else { return refuseRange("bigint") }
      fixed(number)
    case .float:
      // At most 15 digits: both operands are exact, so the quotient is the nearest double.
      fixed((Double(unscaled) / DecimalPowers.double(scale)).bitPattern)
    case .numeric(let limits):
      if let limits {
        // Odd limits, like numeric(2,5), are left to the server.
        let digits = limits.precision - limits.scale
        if (0...38).contains(digits),
          unscaled.magnitude / DecimalPowers.ofTen[scale] >= DecimalPowers.ofTen[digits]
        {
          refuse(
            "the number has more than the \(digits) digits before the point that the column holds")
          return
        }
      }
      numeric(unscaled, scale: scale, shown: limits?.scale ?? scale)
    default:
      preconditionFailure("a number has no form \(form)")
    }
  }

  private mutating func refuseRange(_ type: String) {
    refuse("the number is beyond what a column of type \(type) holds")
  }

  /// `numeric`: digits to the base 10,000 from the point outwards, without zeros at either end
  /// (`numeric_send` in PostgreSQL's sources).
  ///
  /// - Parameter shown: How many digits after the point the server is to show.
  private mutating func numeric(_ unscaled: Int128, scale: Int, shown: Int) {
    // Digits after the point fill up whole groups of four.
    let groupsAfter = (scale + 3) / 4
    let padding = UInt64(DecimalPowers.ofTen[groupsAfter * 4 - scale])
    var rest = unscaled.magnitude
    // 39 digits and the padding make at most 11 groups; the lowest comes first.
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 16) { groups in
      var end = 0
      func add(_ group: UInt64) {
        groups[end] = UInt16(truncatingIfNeeded: group)
        end += 1
      }
      if groupsAfter > 0, padding > 1 {
        if let small = UInt64(exactly: rest) {
          let (quotient, digits) = small.quotientAndRemainder(dividingBy: 10_000 / padding)
          add(digits * padding)
          rest = UInt128(quotient)
        } else {
          let (quotient, digits) = rest.quotientAndRemainder(
            dividingBy: UInt128(10_000 / padding))
          add(UInt64(digits) * padding)
          rest = quotient
        }
      }
      while rest > UInt128(UInt64.max) {
        let (quotient, digits) = rest.quotientAndRemainder(dividingBy: 10_000)
        add(UInt64(digits))
        rest = quotient
      }
      var small = UInt64(rest)
      while small > 0 {
        add(small % 10_000)
        small /= 10_000
      }
      while end > 0, groups[end - 1] == 0 { end -= 1 }
      var first = 0
      while first < end, groups[first] == 0 { first += 1 }
      let kept = end - first
      let weight = kept == 0 ? 0 : end - groupsAfter - 1
      begin(atMost: 12 + 2 * kept)
      append(Int32(8 + 2 * kept))
      append(Int16(kept))
      append(Int16(weight))
      append(unscaled < 0 ? UInt16(0x4000) : 0)
      append(UInt16(shown))
      for index in stride(from: end - 1, through: first, by: -1) { append(groups[index]) }
    }
  }

  /// Writes part of a value that has begun with room for it.
  @inline(__always)
  private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    (memory + count).storeBytes(of: number.bigEndian, as: Number.self)
    count += MemoryLayout<Number>.size
  }

  /// Writes part of a value that has begun with room for it.
  @inline(__always)
  private mutating func append(_ part: UnsafeRawBufferPointer) {
    guard let start = part.baseAddress else { return }
    (memory + count).copyMemory(from: start, byteCount: part.count)
    count += part.count
  }
}
