#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A job read from a YAML file.
///
/// The file is read strictly: an unknown key, a wrong type, a bad or a missing value is a
/// ``JobFileError`` that names the place and the nearest valid name. Relative paths (`source.path`,
/// `checkpoint.directory`, SQLite databases) resolve against the file's folder, and `${NAME}` in
/// addresses and paths stands for an environment variable, `$${` for `${`.
public struct JobFile: Sendable {
  /// The file's path, as it was given.
  public let path: String
  /// The job it describes, not validated yet: flags may still complete it.
  public var job: Job

  private let positions: [String: JobFilePosition]

  /// Reads a job file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - environment: The variables that `${NAME}` refers to. The process's own are not looked at.
  /// - Throws: ``JobFileError``.
  public static func read(
    _ path: String, environment: [String: String] = [:]
  ) throws(JobFileError) -> JobFile {
    let yaml = try content(of: path)
    return try parse(yaml, path: path, environment: environment)
  }

  /// Reads a job from YAML text.
  ///
  /// - Parameters:
  ///   - yaml: The text.
  ///   - path: The file it is from: for messages, and what relative paths resolve against.
  ///   - environment: The variables that `${NAME}` refers to.
  /// - Throws: ``JobFileError``.
  public static func parse(
    _ yaml: String, path: String, environment: [String: String] = [:]
  ) throws(JobFileError) -> JobFile {
    let reader = JobFileReader(environment: environment, folder: folder(of: path))
    let job = reader.read(yaml)
    guard reader.problems.isEmpty, let job else {
      throw JobFileError(
        file: path,
        problems: reader.problems.sorted {
          ($0.position ?? .init(line: 0, column: 0)) < ($1.position ?? .init(line: 0, column: 0))
        })
    }
    return JobFile(path: path, job: job, positions: reader.positions)
  }

  /// Checks that a job makes sense, as ``Job/validate()`` does, and says where in this file it does
  /// not.
  ///
  /// - Parameter job: The file's job with what the environment and flags override.
  /// - Throws: ``JobFileError``.
  public func validate(_ job: Job) throws(JobFileError) {
    do {
      try job.validate()
    } catch {
      throw JobFileError(file: path, problems: error.problems.map(locate))
    }
  }

  /// A problem with the place in this file that it is about, or the nearest one around.
  public func locate(_ problem: JobProblem) -> JobFileError.Problem {
    var path = problem.path[...]
    while true {
      if let position = positions[String(path)] {
        return .init(position: position, message: "\(problem.path): \(problem.message)")
      }
      guard let dot = path.lastIndex(where: { $0 == "." || $0 == "[" }) else {
        return .init(position: nil, message: problem.description)
      }
      path = path[..<dot]
    }
  }

  /// The text of a job file.
  static func content(of path: String) throws(JobFileError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw JobFileError(
        file: path,
        problems: [
          .init(
            position: nil,
            message: exists ? "the job file cannot be read" : "there is no such job file")
        ])
    }
    guard let yaml = String(validating: data, as: UTF8.self) else {
      throw JobFileError(
        file: path, problems: [.init(position: nil, message: "the job file is not UTF-8")])
    }
    return yaml
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
