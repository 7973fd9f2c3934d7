/// Why a sample could not be written.
public enum SampleError: Error, Hashable, CustomStringConvertible {
  /// A system call on the file failed.
  case file(path: String, operation: String, reason: String)
  /// zlib refused to compress.
  case compression(path: String, status: Int32)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .file(let path, let operation, let reason): "cannot \(operation) '\(path)': \(reason)"
    case .compression(let path, let status):
      "cannot compress '\(path)': zlib answered \(status)"
    }
  }
}
