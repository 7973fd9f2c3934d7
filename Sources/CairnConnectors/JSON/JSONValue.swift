/// A value in a ``JSONDocument``.
///
/// Asking for what is not there gives a value that is missing, of which in turn nothing is there; so
/// `value["author"]["login"].string` is nil where any of it is.
public struct JSONValue: Sendable {
  /// Nil for a value that is missing.
  private let document: JSONDocument?
  private let position: Int

  init(document: JSONDocument?, position: Int) {
    self.document = document
    self.position = position
  }

  /// A value that is not there.
  public static let missing = JSONValue(document: nil, position: 0)

  /// Reads a text.
  ///
  /// - Throws: ``JSONError``.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    self = try JSONDocument(bytes).root
  }

  private var node: JSONDocument.Node? { document?.nodes[position] }

  /// Whether the value is not there; `null` is.
  public var isMissing: Bool { document == nil }

  /// Whether the value is `null` or not there.
  public var isNull: Bool { node.map { $0.kind == .null } ?? true }

  /// Whether it is an array.
  public var isArray: Bool { node?.kind == .array }

  /// Whether it is an object.
  public var isObject: Bool { node?.kind == .object }

  /// The member of an object; missing where it has none of that name, or is no object. Of several, the
  /// first.
  public subscript(name: String) -> JSONValue {
    guard let document, let place = document.member(name, of: position) else { return .missing }
    return JSONValue(document: document, position: place)
  }

  /// The value behind names of members, one in the other.
  func at(_ names: [String]) -> JSONValue {
    guard let document else { return .missing }
    var position = self.position
    for name in names {
      guard let place = document.member(name, of: position) else { return .missing }
      position = place
    }
    return JSONValue(document: document, position: position)
  }

  /// The elements of an array; none where it is no array.
  public var elements: [JSONValue] {
    guard let document, let node, node.kind == .array else { return [] }
    var elements: [JSONValue] = []
    var position = self.position + 1
    while position < Int(node.next) {
      elements.append(JSONValue(document: document, position: position))
      position = Int(document.nodes[position].next)
    }
    return elements
  }

  /// The members of an object in their order; none where it is no object.
  public var members: [(name: String, value: JSONValue)] {
    guard let document, let node, node.kind == .object else { return [] }
    var members: [(name: String, value: JSONValue)] = []
    var position = self.position + 1
    while position < Int(node.next) {
      members.append(
        (
          document.decoded(document.nodes[position]),
          JSONValue(document: document, position: position + 1)
        ))
      position = Int(document.nodes[position + 1].next)
    }
    return members
  }

  /// The text, if it is a string. Bytes that are not UTF-8 become U+FFFD, and so does what no database
  /// takes as text: U+0000 and half of a surrogate pair.
  public var string: String? {
    guard let document, let node, node.kind == .string || node.kind == .escaped else { return nil }
    return document.decoded(node)
  }

  /// The number, if it is a whole one that fits; also one in a string, as APIs send what JavaScript
  /// cannot hold.
  public var integer: Int64? {
    guard let document, let node, node.kind == .number || node.kind == .string else { return nil }
    return document.withText(of: node) { text in
      // Digits are read here, since a String for each would cost more than all else.
      var rest = text[...]
      let isNegative = rest.first == UInt8(ascii: "-")
      if isNegative { rest.removeFirst() }
      guard !rest.isEmpty, rest.count <= 19 else { return nil }
      var number: Int64 = 0
      for byte in rest {
        guard byte &- 0x30 < 10 else { return nil }
        let (tenfold, isOver) = number.multipliedReportingOverflow(by: 10)
        let (sum, isMore) = tenfold.subtractingReportingOverflow(Int64(byte - 0x30))
        guard !isOver, !isMore else { return nil }
        number = sum
      }
      guard !isNegative else { return number }
      return number == .min ? nil : -number
    }
  }

  /// The number, if it is one.
  public var double: Double? {
    guard let document, let node, node.kind == .number else { return nil }
    return document.withText(of: node) { Double(String(decoding: $0, as: UTF8.self)) }
  }

  /// Whether it is `true`; nil if it is neither that nor `false`.
  public var boolean: Bool? {
    switch node?.kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  /// The value's text as it was received, less what no database takes: the escapes of U+0000 and of half
  /// a surrogate pair become that of U+FFFD. Nil when it is not there.
  public var text: String? {
    guard let document, let node else { return nil }
    let isString = node.kind == .string || node.kind == .escaped
    let start = Int(node.start) - (isString ? 1 : 0)
    let end = Int(node.end) + (isString ? 1 : 0)
    return document.bytes.withUnsafeBufferPointer { bytes in
      JSONText.storable(UnsafeBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  /// Calls `body` with the bytes of a string that needs no decoding: ASCII without escapes.
  ///
  /// - Returns: False when it is not such a one.
  func withPlainBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
    guard let document, let node, node.kind == .string else { return false }
    document.withText(of: node, body)
    return true
  }
}

extension JSONDocument {
  /// The position of an object's member; nil where it has none of that name, or is no object.
  fileprivate func member(_ name: String, of object: Int) -> Int? {
    var name = name
    return name.withUTF8 { name in
      nodes.withUnsafeBufferPointer { nodes in
        bytes.withUnsafeBufferPointer { bytes in
          guard nodes[object].kind == .object else { return nil }
          let end = Int(nodes[object].next)
          var position = object + 1
          while position < end {
            if isSame(nodes[position], name, bytes) { return position + 1 }
            position = Int(nodes[position + 1].next)
          }
          return nil
        }
      }
    }
  }

  @inline(__always)
  private func isSame(
    _ key: Node, _ name: UnsafeBufferPointer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard key.kind == .string else { return decoded(key).utf8.elementsEqual(name) }
    let start = Int(key.start)
    guard Int(key.end) - start == name.count else { return false }
    for offset in 0..<name.count where bytes[start + offset] != name[offset] { return false }
    return true
  }

  func withText<Result>(
    of node: Node, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    bytes.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[Int(node.start)..<Int(node.end)]))
    }
  }

  /// The text of a string.
  func decoded(_ node: Node) -> String {
    withText(of: node) { text in
      guard node.kind == .escaped, text.contains(UInt8(ascii: "\\")) else {
        return String(decoding: text, as: UTF8.self)
      }
      return JSONText.unescaped(text)
    }
  }
}
