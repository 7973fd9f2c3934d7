/// A saved stage: what the registry holds of it, and what its `…_state.json` says.
///
/// The names of the fields in JSON are those of the Python design that Cairn replaces
/// (`checkpoint_id`, `data_hash`, `data_shape`…), and some of Cairn's own.
public struct StageCheckpoint: Sendable, Hashable, Codable, Identifiable {
  /// The version of the form that this program writes.
  public static let currentFormat = 1

  /// Its id, like `pipeline_20251007_120000_data_extraction_20251007_120001`.
  public var id: String
  /// The pipeline's execution that it belongs to.
  public var pipelineID: String
  /// The stage; nested ones are named by their path, like `load/rows`.
  public var stage: String
  /// The version that the program declared for the stage.
  public var version: Int
  /// What it holds.
  public var kind: CheckpointKind
  /// The name of its data file in the checkpoint folder; nil when there is nothing to keep.
  public var dataFile: String?
  /// The name of its state file in the checkpoint folder, which no other checkpoint has.
  public var stateFile: String
  /// SHA-256 of the content in lower-case hexadecimal: of rows whatever their row groups, encodings
  /// and codec are (``ColumnDigest``), otherwise of the JSON text.
  public var dataHash: String
  /// Rows and columns; empty when it holds no rows.
  public var shape: [Int]
  /// What the program noted.
  public var metadata: [String: CheckpointValue]
  /// When it was saved, in ISO 8601 UTC.
  public var timestamp: String
  /// SHA-256 of the pipeline's input.
  public var inputDigest: String?
  /// The stages that were done before this one began, in the order in which they were done.
  public var after: [Predecessor]
  /// Whether the stage ran in the pipeline's own line, not beside others in a task group.
  public var isSequential: Bool
  /// Seconds that the stage took to run, all tries and waits included: what taking it saves; nil when
  /// that is not known.
  public var runSeconds: Double?
  /// What saving it took; registries do not count their own part.
  public var cost: CheckpointCost
  /// The version of the form.
  public var format: Int

  /// A stage that was done before another one began.
  public struct Predecessor: Sendable, Hashable, Codable {
    /// The stage's path.
    public var stage: String
    /// The digest of its content.
    public var dataHash: String
    /// Whether it ran in the pipeline's own line.
    public var isSequential: Bool

    /// Makes a predecessor.
    public init(stage: String, dataHash: String, isSequential: Bool) {
      self.stage = stage
      self.dataHash = dataHash
      self.isSequential = isSequential
    }

    private enum CodingKeys: String, CodingKey {
      case stage
      case dataHash = "data_hash"
      case isSequential = "sequential"
    }
  }

  /// Makes a checkpoint's description.
  public init(
    id: String, pipelineID: String, stage: String, version: Int = 1, kind: CheckpointKind,
    dataFile: String?, stateFile: String, dataHash: String, shape: [Int] = [],
    metadata: [String: CheckpointValue] = [:], timestamp: String, inputDigest: String? = nil,
    after: [Predecessor] = [], isSequential: Bool = true, runSeconds: Double? = nil,
    cost: CheckpointCost = CheckpointCost(), format: Int = StageCheckpoint.currentFormat
  ) {
    self.id = id
    self.pipelineID = pipelineID
    self.stage = stage
    self.version = version
    self.kind = kind
    self.dataFile = dataFile
    self.stateFile = stateFile
    self.dataHash = dataHash
    self.shape = shape
    self.metadata = metadata
    self.timestamp = timestamp
    self.inputDigest = inputDigest
    self.after = after
    self.isSequential = isSequential
    self.runSeconds = runSeconds
    self.cost = cost
    self.format = format
  }

  /// How many rows it holds; 0 when it holds none.
  public var rows: Int { shape.first ?? 0 }

  private enum CodingKeys: String, CodingKey {
    case id = "checkpoint_id"
    case pipelineID = "pipeline_id"
    case stage, version, kind
    case dataFile = "data_file"
    case stateFile = "state_file"
    case dataHash = "data_hash"
    case shape = "data_shape"
    case metadata, timestamp
    case inputDigest = "input_hash"
    case after
    case isSequential = "sequential"
    case runSeconds = "run_seconds"
    case cost
    case format = "format_version"
  }

  /// Reads a description; what the Python design does not have may be missing.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(String.self, forKey: .id)
    pipelineID = try values.decodeIfPresent(String.self, forKey: .pipelineID) ?? ""
    stage = try values.decode(String.self, forKey: .stage)
    version = try values.decodeIfPresent(Int.self, forKey: .version) ?? 1
    kind = try values.decodeIfPresent(CheckpointKind.self, forKey: .kind) ?? .foreign
    dataFile = try values.decodeIfPresent(String.self, forKey: .dataFile)
    stateFile = try values.decodeIfPresent(String.self, forKey: .stateFile) ?? ""
    dataHash = try values.decodeIfPresent(String.self, forKey: .dataHash) ?? ""
    shape = try values.decodeIfPresent([Int].self, forKey: .shape) ?? []
    metadata =
      try values.decodeIfPresent([String: CheckpointValue].self, forKey: .metadata) ?? [:]
    timestamp = try values.decodeIfPresent(String.self, forKey: .timestamp) ?? ""
    inputDigest = try values.decodeIfPresent(String.self, forKey: .inputDigest)
    after = try values.decodeIfPresent([Predecessor].self, forKey: .after) ?? []
    isSequential = try values.decodeIfPresent(Bool.self, forKey: .isSequential) ?? true
    runSeconds = try values.decodeIfPresent(Double.self, forKey: .runSeconds)
    cost = try values.decodeIfPresent(CheckpointCost.self, forKey: .cost) ?? CheckpointCost()
    format = try values.decodeIfPresent(Int.self, forKey: .format) ?? 0
  }
}

/// What a checkpoint holds.
public enum CheckpointKind: String, Sendable, Hashable, Codable {
  /// Columnar rows, as Parquet.
  case rows
  /// A stream of batches of rows, as Parquet with a row group a batch.
  case batches
  /// Any other value, as JSON.
  case json
  /// Only that the stage is done.
  case none
  /// What another program wrote into the registry: listed, not read.
  case foreign
}

/// What an operation on a checkpoint took, in seconds and bytes.
public struct CheckpointCost: Sendable, Hashable, Codable {
  /// Encoding or decoding.
  public var encoding = 0.0
  /// Digesting the content.
  public var digesting = 0.0
  /// Writing or reading files, names included.
  public var files = 0.0
  /// Waiting until files and folder are durable.
  public var syncing = 0.0
  /// Bytes of the data file.
  public var bytes: Int64 = 0

  /// Nothing.
  public init() {}

  /// All seconds.
  public var seconds: Double { encoding + digesting + files + syncing }

  /// Adds each part.
  public static func += (total: inout CheckpointCost, part: CheckpointCost) {
    total.encoding += part.encoding
    total.digesting += part.digesting
    total.files += part.files
    total.syncing += part.syncing
    total.bytes += part.bytes
  }

  /// Does something and adds the time that it took to a part, also when it throws.
  mutating func spend<Value>(
    on part: WritableKeyPath<CheckpointCost, Double>, _ body: () throws -> Value
  ) rethrows -> Value {
    let start = ContinuousClock.now
    defer { self[keyPath: part] += (ContinuousClock.now - start).inSeconds }
    return try body()
  }
}

/// How far a pipeline's execution is.
public struct PipelineProgress: Sendable, Hashable, Codable {
  /// The execution.
  public var pipelineID: String
  /// The stages that have a checkpoint, in the order in which they were first saved.
  public var completedStages: [String]
  /// How many checkpoints there are.
  public var totalCheckpoints: Int
  /// The newest one; nil when there is none.
  public var latestCheckpoint: String?
  /// The stage of the newest one.
  public var latestStage: String?
  /// When the newest one was saved, in ISO 8601 UTC.
  public var latestTimestamp: String?

  /// The progress that checkpoints, newest first, show.
  public init(of pipelineID: String, checkpoints: [StageCheckpoint]) {
    self.pipelineID = pipelineID
    var seen = Set<String>()
    completedStages = checkpoints.reversed().map(\.stage).filter { seen.insert($0).inserted }
    totalCheckpoints = checkpoints.count
    latestCheckpoint = checkpoints.first?.id
    latestStage = checkpoints.first?.stage
    latestTimestamp = checkpoints.first?.timestamp
  }

  private enum CodingKeys: String, CodingKey {
    case pipelineID = "pipeline_id"
    case completedStages = "completed_stages"
    case totalCheckpoints = "total_checkpoints"
    case latestCheckpoint = "latest_checkpoint"
    case latestStage = "latest_stage"
    case latestTimestamp = "latest_timestamp"
  }
}
