/// Writes a checkpoint's description as JSON.
///
/// `JSONEncoder` would take longer than all else of a small checkpoint; and in an entry of the
/// registry time and state file come first, so that they are found without reading the rest.
struct CheckpointText {
  private var bytes: [UInt8] = []
  private let separator: [UInt8]
  private var isFirst = true

  /// An entry of a registry, on one line.
  static func line(_ checkpoint: StageCheckpoint) -> [UInt8] {
    CheckpointText(checkpoint, opening: "{", separator: ",", closing: "}").bytes
  }

  /// The text of a state file.
  static func state(_ checkpoint: StageCheckpoint) -> [UInt8] {
    CheckpointText(checkpoint, opening: "{\n  ", separator: ",\n  ", closing: "\n}\n").bytes
  }

  private init(
    _ checkpoint: StageCheckpoint, opening: String, separator: String, closing: String
  ) {
    self.separator = Array(separator.utf8)
    bytes.reserveCapacity(1024)
    bytes.append(contentsOf: opening.utf8)
    text("timestamp", checkpoint.timestamp)
    text("state_file", checkpoint.stateFile)
    text("checkpoint_id", checkpoint.id)
    text("pipeline_id", checkpoint.pipelineID)
    text("stage", checkpoint.stage)
    text("data_hash", checkpoint.dataHash)
    raw("data_shape", "[\(checkpoint.shape.map(String.init).joined(separator: ","))]")
    text("data_file", checkpoint.dataFile)
    text("kind", checkpoint.kind.rawValue)
    raw("version", "\(checkpoint.version)")
    raw("format_version", "\(checkpoint.format)")
    text("input_hash", checkpoint.inputDigest)
    raw("sequential", checkpoint.isSequential ? "true" : "false")
    key("after")
    bytes.append(UInt8(ascii: "["))
    for (index, stage) in checkpoint.after.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: "{\"stage\":".utf8)
      bytes.append(contentsOf: JSONContent.quoted(stage.stage))
      bytes.append(contentsOf: ",\"data_hash\":".utf8)
      bytes.append(contentsOf: JSONContent.quoted(stage.dataHash))
      bytes.append(contentsOf: ",\"sequential\":\(stage.isSequential)}".utf8)
    }
    bytes.append(UInt8(ascii: "]"))
    if let seconds = checkpoint.runSeconds { raw("run_seconds", "\(seconds)") }
    let cost = checkpoint.cost
    raw(
      "cost",
      "{\"encoding\":\(cost.encoding),\"digesting\":\(cost.digesting),\"files\":\(cost.files),"
        + "\"syncing\":\(cost.syncing),\"bytes\":\(cost.bytes)}")
    key("metadata")
    append(.object(checkpoint.metadata))
    bytes.append(contentsOf: closing.utf8)
  }

  private mutating func key(_ name: String) {
    if !isFirst { bytes.append(contentsOf: separator) }
    isFirst = false
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: "\":".utf8)
  }

  private mutating func text(_ name: String, _ value: String?) {
    key(name)
    bytes.append(contentsOf: value.map { JSONContent.quoted($0) } ?? Array("null".utf8))
  }

  private mutating func raw(_ name: String, _ value: String) {
    key(name)
    bytes.append(contentsOf: value.utf8)
  }

  private mutating func append(_ value: CheckpointValue) {
    switch value {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .boolean(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .number(let number):
      // JSON has no word for these.
      let text = "\(number)"
      bytes.append(contentsOf: number.isFinite ? Array(text.utf8) : JSONContent.quoted(text))
    case .text(let text): bytes.append(contentsOf: JSONContent.quoted(text))
    case .list(let list):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in list.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(element)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      for (index, field) in object.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: JSONContent.quoted(field.key))
        bytes.append(UInt8(ascii: ":"))
        append(field.value)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}
