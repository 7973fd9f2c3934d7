/// Something about a job that makes no sense.
public struct JobProblem: Sendable, Hashable, CustomStringConvertible {
  /// What it is about, as a job file has it: `sink.key`, `columns[net_weight].min`.
  public var path: String
  /// What is wrong, and what was expected.
  public var message: String

  /// Makes a description of a problem.
  public init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  /// `sink.key: …`
  public var description: String { "\(path): \(message)" }
}

/// A job that makes no sense, with everything that is wrong with it.
public struct JobError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong; at least one.
  public var problems: [JobProblem]

  /// Makes an error of its problems.
  public init(problems: [JobProblem]) { self.problems = problems }

  /// A line for each problem.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}
