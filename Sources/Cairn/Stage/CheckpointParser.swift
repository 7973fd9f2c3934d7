/// Reads a checkpoint's description as ``CheckpointText`` writes it.
///
/// `JSONDecoder` would take longer than reading and checking the rows of a small checkpoint. What is of
/// another form is left to it.
enum CheckpointParser {
  /// The checkpoint of an entry; nil when it is not wholly of our own form.
  static func checkpoint(_ text: [UInt8]) -> StageCheckpoint? {
    guard let fields = text.withUnsafeBufferPointer({ EventParser.object($0) }),
      let format = fields["format_version"]?.integer, format == StageCheckpoint.currentFormat,
      let id = fields["checkpoint_id"]?.text, let pipelineID = fields["pipeline_id"]?.text,
      let stage = fields["stage"]?.text, let version = fields["version"]?.integer,
      let kind = fields["kind"]?.text.flatMap(CheckpointKind.init(rawValue:)),
      let stateFile = fields["state_file"]?.text, let dataHash = fields["data_hash"]?.text,
      let timestamp = fields["timestamp"]?.text, case .list(let shape)? = fields["data_shape"],
      case .list(let after)? = fields["after"],
      case .bool(let isSequential)? = fields["sequential"],
      case .object(let cost)? = fields["cost"], case .object(let metadata)? = fields["metadata"]
    else { return nil }
    let sides = shape.compactMap { $0.integer.map(Int.init) }
    let predecessors = after.compactMap(predecessor)
    guard sides.count == shape.count, predecessors.count == after.count,
      let spent = self.cost(cost), let noted = object(metadata)
    else { return nil }
    return StageCheckpoint(
      id: id, pipelineID: pipelineID, stage: stage, version: Int(version), kind: kind,
      dataFile: fields["data_file"]?.text, stateFile: stateFile, dataHash: dataHash, shape: sides,
      metadata: noted, timestamp: timestamp, inputDigest: fields["input_hash"]?.text,
      after: predecessors, isSequential: isSequential, runSeconds: fields["run_seconds"]?.number,
      cost: spent)
  }

  private static func predecessor(_ value: EventValue) -> StageCheckpoint.Predecessor? {
    guard case .object(let fields) = value, let stage = fields["stage"]?.text,
      let dataHash = fields["data_hash"]?.text,
      case .bool(let isSequential)? = fields["sequential"]
    else { return nil }
    return StageCheckpoint.Predecessor(
      stage: stage, dataHash: dataHash, isSequential: isSequential)
  }

  private static func cost(_ fields: EventMetadata) -> CheckpointCost? {
    guard let encoding = fields["encoding"]?.number, let digesting = fields["digesting"]?.number,
      let files = fields["files"]?.number, let syncing = fields["syncing"]?.number,
      let bytes = fields["bytes"]?.integer
    else { return nil }
    var cost = CheckpointCost()
    (cost.encoding, cost.digesting, cost.files, cost.syncing) = (
      encoding, digesting, files, syncing
    )
    cost.bytes = bytes
    return cost
  }

  private static func object(_ fields: EventMetadata) -> [String: CheckpointValue]? {
    var object: [String: CheckpointValue] = [:]
    for pair in fields.pairs {
      guard let value = value(pair.value) else { return nil }
      object[pair.name] = value
    }
    return object
  }

  /// As `JSONDecoder` would read it.
  private static func value(_ value: EventValue) -> CheckpointValue? {
    switch value {
    case .null: return .null
    case .bool(let flag): return .boolean(flag)
    case .integer(let number): return .integer(number)
    case .number(let number): return Int64(exactly: number).map { .integer($0) } ?? .number(number)
    // Numbers that JSON has no word for.
    case .text("inf"), .text("-inf"), .text("nan"), .text("Infinity"), .text("-Infinity"),
      .text("NaN"):
      return nil
    case .text(let text): return .text(text)
    case .list(let list):
      let values = list.compactMap(self.value)
      return values.count == list.count ? .list(values) : nil
    case .object(let fields): return object(fields).map { .object($0) }
    }
  }
}
