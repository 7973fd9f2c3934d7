/// Within which stage a task is: by it nested stages know their path, and stages of a task group that
/// they run beside others.
final class StageScope: Sendable {
  /// The execution that it belongs to.
  let progress: ObjectIdentifier
  /// The path of the stage, empty for the pipeline itself.
  let path: String
  /// The task that runs the body.
  let task: Int
  /// Whether the stage itself runs in the pipeline's own line.
  let isSequential: Bool

  init(progress: ObjectIdentifier, path: String, task: Int, isSequential: Bool) {
    self.progress = progress
    self.path = path
    self.task = task
    self.isSequential = isSequential
  }

  @TaskLocal static var current: StageScope?

  /// What tells the task that runs this from others that run at the same time.
  static var currentTask: Int { withUnsafeCurrentTask { $0?.hashValue ?? 0 } }

  /// The path of a stage within this one.
  func path(of name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }

  /// Whether a stage that the present task begins within this one runs in the pipeline's own line.
  /// While a body runs no other task can be its task.
  var beginsSequentially: Bool { isSequential && task == Self.currentTask }
}
