/// A job file that cannot be taken, with everything that is wrong with it.
public struct JobFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file's path, as it was given.
  public var file: String
  /// What is wrong; at least one, in the order of the file.
  public var problems: [Problem]

  /// One thing that is wrong.
  public struct Problem: Sendable, Hashable {
    /// Where, when it is somewhere.
    public var position: JobFilePosition?
    /// What is wrong, what was expected, and the nearest valid name.
    public var message: String

    /// Makes a problem.
    public init(position: JobFilePosition?, message: String) {
      self.position = position
      self.message = message
    }
  }

  /// Makes an error of its problems.
  public init(file: String, problems: [Problem]) {
    self.file = file
    self.problems = problems
  }

  /// A line for each problem: `job.yaml:4:3: …`.
  public var description: String {
    problems.map { problem in
      let place = problem.position.map { ":\($0.line):\($0.column)" } ?? ""
      return "\(file)\(place): \(problem.message)"
    }.joined(separator: "\n")
  }
}

/// A place in a job file.
public struct JobFilePosition: Sendable, Hashable, Comparable {
  /// The line, from 1.
  public var line: Int
  /// The column in Unicode scalars, from 1.
  public var column: Int

  /// Makes a position.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// Whether a place comes before another.
  public static func < (left: JobFilePosition, right: JobFilePosition) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}
