/// Writes one JSON object as text, field by field.
///
/// A manifest of 10,000 chunks is written about once a second; `JSONEncoder` takes far longer for it
/// than this does.
struct JSONText {
  private(set) var bytes: [UInt8] = []
  private var isFirst = true
  private var isInline = false

  mutating func open() { bytes.append(UInt8(ascii: "{")) }

  mutating func close() { bytes.append(contentsOf: "\n}\n".utf8) }

  mutating func field(_ name: String, _ value: String?) {
    begin(name)
    guard let value else { return null() }
    append(quoted: value)
  }

  mutating func field(_ name: String, _ value: (some BinaryInteger)?) {
    begin(name)
    guard let value else { return null() }
    bytes.append(contentsOf: String(value).utf8)
  }

  /// An array of objects, each on one line.
  mutating func array<Element>(
    _ name: String, _ elements: [Element], _ write: (inout JSONText, Element) -> Void
  ) {
    begin(name)
    bytes.append(UInt8(ascii: "["))
    for (index, element) in elements.enumerated() {
      bytes.append(contentsOf: (index == 0 ? "\n    {" : ",\n    {").utf8)
      isFirst = true
      isInline = true
      write(&self, element)
      bytes.append(UInt8(ascii: "}"))
    }
    isFirst = false
    isInline = false
    bytes.append(contentsOf: (elements.isEmpty ? "]" : "\n  ]").utf8)
  }

  private mutating func begin(_ name: String) {
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    if !isInline {
      bytes.append(contentsOf: "\n  ".utf8)
    } else if !isFirst {
      bytes.append(UInt8(ascii: " "))
    }
    isFirst = false
    append(quoted: name)
    bytes.append(contentsOf: ": ".utf8)
  }

  private mutating func null() { bytes.append(contentsOf: "null".utf8) }

  private mutating func append(quoted text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let hex = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(hex[Int(byte >> 4)])
        bytes.append(hex[Int(byte & 15)])
      default:
        bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
