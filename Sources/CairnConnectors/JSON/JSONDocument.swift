/// A JSON text (RFC 8259), read once into a flat list of its values.
///
/// Nothing is copied out of the text until it is asked for, and a value's own text can be had as it was
/// received. Reading costs one pass and 16 bytes a value.
public final class JSONDocument: Sendable {
  /// The text.
  let bytes: [UInt8]
  /// The values, each before those in it.
  let nodes: [Node]

  /// A value: where its text is, and where those that follow it begin.
  struct Node: Sendable, BitwiseCopyable {
    enum Kind: UInt8, Sendable {
      case null, `false`, `true`, number, string, escaped, array, object
    }
    /// Where the text begins; of a string, after the quotation mark.
    var start: UInt32
    /// Where it ends; of a string, before the quotation mark.
    var end: UInt32
    /// The position of the first node that is not in this one.
    var next: UInt32
    var kind: Kind
  }

  /// How deep arrays and objects may nest.
  static let maximumDepth = 512

  /// Reads a text.
  ///
  /// - Throws: ``JSONError``.
  public init(_ bytes: [UInt8]) throws(JSONError) {
    guard bytes.count < Int(UInt32.max) else {
      throw JSONError(offset: 0, expected: "less than 4 GiB")
    }
    var reader = JSONReader(bytes.count)
    let failure: JSONError? = bytes.withUnsafeBufferPointer { buffer in
      do throws(JSONError) {
        try reader.read(buffer)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    self.bytes = bytes
    nodes = reader.nodes
  }

  /// The whole of it.
  public var root: JSONValue { JSONValue(document: self, position: 0) }
}

/// Why a text is not JSON.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Where, in bytes from the begin.
  public var offset: Int
  /// What would have been right there.
  public var expected: String

  /// What is wrong, in a sentence.
  public var description: String { "not JSON: expected \(expected) at byte \(offset)" }
}

/// One pass over a text.
private struct JSONReader {
  var nodes: [JSONDocument.Node] = []
  private var position = 0

  init(_ count: Int) {
    // A value is about twelve bytes long in what the APIs send.
    nodes.reserveCapacity(count / 12 + 1)
  }

  /// Arrays and objects that are open are in a list, so that deep nesting cannot overflow the stack.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    var open: [Int] = []
    while true {
      // A value starts here.
      skipSpace(bytes)
      guard position < bytes.count else { throw failure("a value") }
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = byte == UInt8(ascii: "{")
        guard open.count < JSONDocument.maximumDepth else {
          throw failure("at most \(JSONDocument.maximumDepth) levels")
        }
        let node = nodes.count
        append(isObject ? .object : .array, from: position, to: 0)
        position += 1
        skipSpace(bytes)
        if position < bytes.count, bytes[position] == (isObject ? 0x7D : 0x5D) {
          position += 1
          close(node)
        } else {
          open.append(node)
          if isObject { try readName(bytes) }
          continue
        }
      case UInt8(ascii: "\""): try readString(bytes)
      case UInt8(ascii: "t"): try readWord("true", .true, bytes)
      case UInt8(ascii: "f"): try readWord("false", .false, bytes)
      case UInt8(ascii: "n"): try readWord("null", .null, bytes)
      default: try readNumber(bytes)
      }
      // A value ended; so may those around it.
      while true {
        skipSpace(bytes)
        guard let node = open.last else {
          guard position == bytes.count else { throw failure("the end") }
          return
        }
        let isObject = nodes[node].kind == .object
        guard position < bytes.count else { throw failure(isObject ? "'}'" : "']'") }
        if bytes[position] == UInt8(ascii: ",") {
          position += 1
          if isObject {
            skipSpace(bytes)
            try readName(bytes)
          }
          break
        }
        guard bytes[position] == (isObject ? 0x7D : 0x5D) else {
          throw failure(isObject ? "',' or '}'" : "',' or ']'")
        }
        position += 1
        open.removeLast()
        close(node)
      }
    }
  }

  private func failure(_ expected: String) -> JSONError {
    JSONError(offset: position, expected: expected)
  }

  private mutating func append(_ kind: JSONDocument.Node.Kind, from start: Int, to end: Int) {
    nodes.append(
      JSONDocument.Node(
        start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end),
        next: UInt32(truncatingIfNeeded: nodes.count + 1), kind: kind))
  }

  private mutating func close(_ node: Int) {
    nodes[node].end = UInt32(truncatingIfNeeded: position)
    nodes[node].next = UInt32(truncatingIfNeeded: nodes.count)
  }

  @inline(__always)
  private mutating func skipSpace(_ bytes: UnsafeBufferPointer<UInt8>) {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
    }
  }

  private mutating func readName(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      throw failure("a name")
    }
    try readString(bytes)
    skipSpace(bytes)
    guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
      throw failure("':'")
    }
    position += 1
  }

  private mutating func readString(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    position += 1
    let start = position
    // Also of a text that is not ASCII: it is looked at closely when it is asked for.
    var isPlain = true
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        append(isPlain ? .string : .escaped, from: start, to: position)
        position += 1
        return
      }
      if byte == UInt8(ascii: "\\") {
        isPlain = false
        position += 1
        guard position < bytes.count else { break }
        switch bytes[position] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: break
        case UInt8(ascii: "u"):
          for _ in 0..<4 {
            position += 1
            guard position < bytes.count, hexValue(bytes[position]) != nil else {
              throw failure("four hexadecimal digits")
            }
          }
        default: throw failure("an escape")
        }
      } else if byte < 0x20 {
        throw failure("an escaped control character")
      } else if byte >= 0x80 {
        isPlain = false
      }
      position += 1
    }
    throw failure("'\"'")
  }

  private mutating func readWord(
    _ word: StaticString, _ kind: JSONDocument.Node.Kind, _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONError) {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count else { throw failure("a value") }
    for offset in 0..<length where bytes[position + offset] != word.utf8Start[offset] {
      throw failure("a value")
    }
    append(kind, from: position, to: position + length)
    position += length
  }

  private mutating func readDigits(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
    guard position > start else { throw failure("a digit") }
  }

  private mutating func readNumber(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      guard position < bytes.count, bytes[position] &- 0x30 < 10 else { throw failure("a value") }
      try readDigits(bytes)
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try readDigits(bytes)
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D {
        position += 1
      }
      try readDigits(bytes)
    }
    append(.number, from: start, to: position)
  }
}

/// What a hexadecimal digit stands for.
func hexValue(_ byte: UInt8) -> UInt16? {
  switch byte {
  case 0x30...0x39: UInt16(byte - 0x30)
  case 0x41...0x46: UInt16(byte - 0x41 + 10)
  case 0x61...0x66: UInt16(byte - 0x61 + 10)
  default: nil
  }
}
