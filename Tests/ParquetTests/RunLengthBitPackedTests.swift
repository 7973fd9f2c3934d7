import Testing

@testable import Parquet

/// The hybrid, held against a decoder that goes bit by bit.
@Suite struct RunLengthBitPackedTests {
  /// The specification read literally: slow, and independent of the library's code.
  static func decode(_ bytes: [UInt8], width: Int, count: Int) -> [UInt32] {
    var values: [UInt32] = []
    var position = 0
    while values.count < count, position < bytes.count {
      var header = 0
      var shift = 0
      while true {
        let byte = bytes[position]
        position += 1
        header |= Int(byte & 0x7F) << shift
        shift += 7
        if byte & 0x80 == 0 { break }
      }
      if header & 1 == 1 {
        let total = (header >> 1) * 8
        for index in 0..<total {
          var value: UInt32 = 0
          for bit in 0..<width {
            let place = index * width + bit
            if bytes[position + place / 8] >> UInt8(place % 8) & 1 == 1 {
              value |= 1 << UInt32(bit)
            }
          }
          values.append(value)
        }
        position += total * width / 8
      } else {
        var value: UInt32 = 0
        for byte in 0..<(width + 7) / 8 {
          value |= UInt32(bytes[position + byte]) << UInt32(8 * byte)
        }
        position += (width + 7) / 8
        values += Array(repeating: value, count: header >> 1)
      }
    }
    return Array(values.prefix(count))
  }

  static func encode(_ values: [UInt32], width: Int) -> [UInt8] {
    var buffer = ByteBuffer()
    // Room beyond the last value, as the encoder's callers have.
    (values + [0]).withUnsafeBufferPointer { source in
      guard let start = source.baseAddress else { return }
      RunLengthBitPackedWriter.write(start, count: values.count, width: width, to: &buffer)
    }
    return Array(buffer.bytes)
  }

  static func read(_ bytes: [UInt8], width: Int, count: Int) throws -> [UInt32] {
    let padded = bytes + [UInt8](repeating: 0xAA, count: PageBytes.slack)
    var values = [UInt32](repeating: 0, count: count + RunLengthBitPackedReader.slack)
    try padded.withUnsafeBytes { memory in
      var page = PageBytes(UnsafeRawBufferPointer(rebasing: memory[..<bytes.count]), fileOffset: 0)
      try values.withUnsafeMutableBufferPointer { target in
        guard let start = target.baseAddress else { return }
        try RunLengthBitPackedReader.read(&page, count: count, width: width, to: start)
      }
      try page.requireEnd()
    }
    return Array(values.prefix(count))
  }

  @Test func everyWidthAndShapeOfRuns() throws {
    var generator = SeededGenerator(7)
    for width in 1...32 {
      let largest = UInt32((UInt64(1) << UInt64(width)) - 1)
      for count in [0, 1, 7, 8, 9, 31, 32, 33, 100, 500] {
        for longestRun in [1, 3, 12, 200] {
          var values: [UInt32] = []
          while values.count < count {
            let value = UInt32.random(in: 0...largest, using: &generator)
            let length = Int.random(in: 1...longestRun, using: &generator)
            values += Array(repeating: value, count: min(length, count - values.count))
          }
          let bytes = Self.encode(values, width: width)
          #expect(Self.decode(bytes, width: width, count: count) == values)
          #expect(try Self.read(bytes, width: width, count: count) == values)
          // Never much more than bit-packing everything.
          #expect(bytes.count <= (count + 7) / 8 * width + 10)
        }
      }
    }
  }

  @Test func oneValueIsOneRun() {
    #expect(Self.encode([UInt32](repeating: 5, count: 100_000), width: 3) == [0xC0, 0x9A, 0x0C, 5])
  }

  @Test func bitsOfPresence() throws {
    var generator = SeededGenerator(11)
    for count in [1, 5, 8, 13, 32, 33, 64, 100, 1000] {
      for longestRun in [1, 5, 40, 300, 2000] {
        var bits: [UInt32] = []
        while bits.count < count {
          let bit = UInt32.random(in: 0...1, using: &generator)
          let length = Int.random(in: 1...longestRun, using: &generator)
          bits += Array(repeating: bit, count: min(length, count - bits.count))
        }
        var packed = [UInt8](repeating: 0, count: (count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit == 1 {
          packed[index / 8] |= 1 << (index % 8)
        }
        var buffer = ByteBuffer()
        packed.withUnsafeBufferPointer { source in
          guard let start = source.baseAddress else { return }
          RunLengthBitPackedWriter.write(bits: start, count: count, to: &buffer)
        }
        let bytes = Array(buffer.bytes)
        #expect(Self.decode(bytes, width: 1, count: count) == bits)
        #expect(try Self.read(bytes, width: 1, count: count) == bits)
        #expect(bytes.count <= (count + 7) / 8 + 6)
      }
    }
  }

  @Test func runsThatLieAreErrors() {
    // A literal run of 2^60 groups; a run without its value; a length that never ends.
    for bytes: [UInt8] in [
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1], [0x10],
      [UInt8](repeating: 0x80, count: 30),
    ] {
      #expect(throws: ParquetError.self) { try Self.read(bytes, width: 9, count: 1000) }
    }
  }
}
