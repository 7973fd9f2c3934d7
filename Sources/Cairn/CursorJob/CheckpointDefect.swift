/// Why a checkpoint of a job cannot be gone on from.
public enum CheckpointDefect: Error, Sendable, Hashable, CustomStringConvertible {
  /// Its bytes are not what was written.
  case corrupt(String)
  /// It is of a later version of the format.
  case tooNew(version: String)
  /// It is another job's.
  case otherJob(String)
  /// It is of another kind of source.
  case otherType(String)
  /// A field is missing.
  case missing(String)
  /// A field makes no sense.
  case invalid(field: String, reason: String)
  /// It was moved aside.
  case aside

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .corrupt(let reason): "it is damaged: \(reason)"
    case .tooNew(let version):
      "its version is \(version), and this program reads up to \(JobCheckpoint.version)"
    case .otherJob(let job): "it is of the job '\(job)'"
    case .otherType(let type): "it is of a job of the type '\(type)'"
    case .missing(let field): "the field '\(field)' is missing"
    case .invalid(let field, let reason): "the field '\(field)' is not valid: \(reason)"
    case .aside: "it was moved aside"
    }
  }

  /// Whether it is about fields, whose names are a matter of the layout.
  package var isOfFields: Bool {
    switch self {
    case .missing, .invalid: true
    default: false
    }
  }

  /// The kind of fact that it is.
  public var factKind: JobFact.Kind {
    if case .corrupt = self { .corruptCheckpoint } else { .invalidCheckpoint }
  }
}
