/// Why a checkpoint cannot be saved, found or read.
public enum CheckpointError: Error, Sendable, CustomStringConvertible {
  /// There is no checkpoint of that id.
  case unknown(String, registry: String)
  /// A file is not what was saved.
  case damaged(String, detail: String)
  /// It holds something else than was asked for.
  case otherKind(String, holds: CheckpointKind, asked: String)
  /// A batch of a stage has other columns than the first one.
  case otherColumns(expected: [String], found: [String])
  /// A pipeline or stage has no name, or one that cannot be.
  case invalidName(String, detail: String)
  /// It was written by a newer program, or by another one.
  case unknownFormat(String, found: Int)
  /// The registry cannot be read.
  case registry(String, detail: String)
  /// The checkpoint folder cannot be used.
  case folder(String, detail: String)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .unknown(let id, let registry):
      "there is no checkpoint '\(id)' in \(registry). List them with: cairn checkpoints list"
    case .damaged(let path, let detail):
      "checkpoint file '\(path)' is damaged: \(detail)"
    case .otherKind(let id, let holds, let asked):
      "checkpoint '\(id)' holds \(holds.rawValue), not \(asked)"
    case .otherColumns(let expected, let found):
      "a batch has the columns (\(found.joined(separator: ", "))) where the first one has"
        + " (\(expected.joined(separator: ", ")))"
    case .invalidName(let name, let detail):
      "'\(name)' is no name of a pipeline or stage: \(detail)"
    case .unknownFormat(let id, let found):
      "checkpoint '\(id)' has format \(found); this program knows \(StageCheckpoint.currentFormat)."
        + (found > StageCheckpoint.currentFormat ? " Use the newer cairn that wrote it." : "")
    case .registry(let path, let detail):
      "the registry '\(path)' cannot be used: \(detail)"
    case .folder(let path, let detail):
      "the checkpoint folder '\(path)' cannot be used: \(detail)"
    }
  }

  /// Whether an earlier checkpoint may do in its place.
  var isDamage: Bool { if case .damaged = self { true } else { false } }
}
