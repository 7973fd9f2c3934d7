internal import Yams

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What of pipelines is saved and resumed.
///
/// A program may read them from the YAML of the Python design, below
/// `pipeline.execution.checkpoints` and `pipeline.logging`:
///
/// ```yaml
/// pipeline:
///   execution:
///     checkpoints:
///       enabled: true
///       checkpoint_dir: "data/checkpoints"
///       save_after_each_stage: true
///       auto_resume: true
///       retention: 7d
///   logging:
///     level: INFO
///     log_file: "logs/pipeline.log"
/// ```
public struct PipelineSettings: Sendable, Hashable {
  /// Whether anything is saved, resumed or locked at all (`enabled`).
  public var isEnabled: Bool
  /// The checkpoint folder (`checkpoint_dir`).
  public var directory: String
  /// Whether stages are saved that do not say for themselves (`save_after_each_stage`).
  public var savesAfterEachStage: Bool
  /// Whether an unfinished execution is gone on with (`auto_resume`).
  public var autoResume: Bool
  /// How long checkpoints are kept (`retention`).
  public var retention: Duration
  /// What is logged and where, for the program to open an ``EventLog`` with; nil when the YAML has no
  /// section `logging`.
  public var logging: LoggingOptions?

  /// Makes settings.
  public init(
    isEnabled: Bool = true, directory: String = "data/checkpoints",
    savesAfterEachStage: Bool = true, autoResume: Bool = true,
    retention: Duration = StageCheckpoints.defaultRetention, logging: LoggingOptions? = nil
  ) {
    self.isEnabled = isEnabled
    self.directory = directory
    self.savesAfterEachStage = isEnabled && savesAfterEachStage
    self.autoResume = isEnabled && autoResume
    self.retention = retention
    self.logging = logging
  }

  /// Reads settings from a YAML file. What it does not say has its default. Relative paths resolve
  /// against the file's folder.
  ///
  /// - Throws: ``JobFileError`` with the place of everything that is wrong.
  public static func read(
    _ path: String, environment: [String: String] = [:]
  ) throws -> PipelineSettings {
    guard let bytes = try WholeFile.read(path, limit: 1 << 24) else {
      throw JobFileError(
        file: path, problems: [.init(position: nil, message: "there is no such file")])
    }
    guard let yaml = String(validating: bytes, as: UTF8.self) else {
      throw JobFileError(
        file: path, problems: [.init(position: nil, message: "the file is not UTF-8")])
    }
    let folder = FilePaths.parent(of: path)
    let reader = JobFileReader(environment: environment, folder: folder)
    var settings = PipelineSettings()
    do {
      if let root = try Yams.compose(yaml: yaml),
        let top = YAMLSection(root, path: "", keys: ["pipeline"], reader: reader),
        let pipeline = top.section("pipeline", keys: ["execution", "logging"])
      {
        if let execution = pipeline.section("execution", keys: ["checkpoints"]),
          let section = execution.section("checkpoints", keys: keys)
        {
          settings = PipelineSettings(section, folder: folder)
        }
        if let section = pipeline.section("logging", keys: YAMLSection.loggingKeys) {
          let logging = section.readLogging {
            $0.hasPrefix("/") ? $0 : FilePaths.join(folder, $0)
          }
          for problem in logging.problems() {
            section.report(String(problem.path.dropFirst("logging.".count)), problem.message)
          }
          settings.logging = logging
        }
      }
    } catch let error as YamlError {
      throw JobFileError(file: path, problems: [.init(position: nil, message: "\(error)")])
    }
    guard reader.problems.isEmpty else {
      throw JobFileError(file: path, problems: reader.problems)
    }
    return settings
  }

  private static let keys = [
    "enabled", "checkpoint_dir", "save_after_each_stage", "auto_resume", "retention",
  ]

  private init(_ section: YAMLSection, folder: String) {
    let defaults = PipelineSettings()
    let directory = section.expandedText("checkpoint_dir") ?? defaults.directory
    self.init(
      isEnabled: section.flag("enabled") ?? true,
      directory: directory.hasPrefix("/") ? directory : FilePaths.join(folder, directory),
      savesAfterEachStage: section.flag("save_after_each_stage") ?? true,
      autoResume: section.flag("auto_resume") ?? true,
      retention: section.value("retention", expected: "a time such as 7d") {
        DurationText.parse($0)
      } ?? defaults.retention)
  }
}
