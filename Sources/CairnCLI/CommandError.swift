import Cairn

/// Exit codes, after `sysexits.h` where it has one.
enum ExitStatus {
  static let failed: Int32 = 1
  static let partial: Int32 = 2
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let owned: Int32 = 69
  static let stopped: Int32 = 75

  /// The code that an error ends the command with.
  static func of(_ error: any Error) -> Int32 {
    switch error {
    case LoadError.inputKept(_, _, let cause): of(cause)
    case is UsageError, is JobFileError, is JobError, is EnvironmentError: usage
    case TransformError.missingColumns, LoadError.tooManyRejects, LoadError.inferenceContradicted:
      badData
    case LoadError.ownedElsewhere, LoadError.overtaken, ConvertError.folderBusy: owned
    case SinkError.fenced, PipelineError.ownedElsewhere, PipelineError.overtaken: owned
    case SinkError.unavailable, SinkError.unreachable, SinkError.transient: stopped
    case SinkError.loadUnfinished: stopped
    case let error as FileError where error.isDiskFull: stopped
    case let error as CursorJobError: error.exitCode
    case CursorSourceError.transient: stopped
    default: failed
    }
  }
}

/// A command line that cannot be followed; `remedy` is what to type instead.
struct UsageError: Error, CustomStringConvertible {
  var message: String
  var remedy: String?

  init(_ message: String, remedy: String? = nil) {
    self.message = message
    self.remedy = remedy
  }

  var description: String { remedy.map { "\(message)\n\($0)" } ?? message }
}
