import ArgumentParser
import Cairn
import Foundation

/// `cairn pipeline plan`.
struct PipelinePlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show which stages the next attempt would reuse, and why not the others.",
    discussion: """
      Without --stages the stages are taken as they were recorded, in their order and with their \
      versions. With it the plan is for a program that declares these instead, like \
      --stages data_extraction,data_validation:2,load. With --input it is for this input.
      """)

  @Argument(
    help: ArgumentHelp(
      "The pipeline's name or an execution's id; by default the newest.", valueName: "pipeline"))
  var pipeline: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The stages as declared now, in order, with their versions.", valueName: "name[:version],…"))
  var stages: String?

  @Option(
    name: .long, help: ArgumentHelp("A JSON file with the pipeline's input.", valueName: "file"))
  var input: String?

  @Flag(name: .long, help: "Read every checkpoint that would be reused, and check its digest.")
  var verify = false

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let checkpoints = try place.open()
      let execution = try await execution(in: checkpoints)
      let recorded = try await checkpoints.list(execution.pipelineID)
      let declared = try declaredStages() ?? Self.recordedStages(recorded)
      var plan = Plan(
        pipeline: execution.pipeline, pipelineID: execution.pipelineID,
        status: execution.status.rawValue, attempt: execution.attempt, error: execution.error,
        owner: execution.holder)
      let digest = try inputDigest() ?? execution.inputDigest
      plan.stages = try await steps(declared, recorded, inputDigest: digest, in: checkpoints)
      let names = Set(declared.map(\.name))
      plan.notDeclared = Self.recordedStages(recorded).map(\.name).filter { name in
        // One within a declared stage is that stage's affair.
        !names.contains(name) && !names.contains { name.hasPrefix($0 + "/") }
      }
      if output.json {
        try JSONOutput.print(plan)
      } else {
        Terminal.print(plan.text)
      }
    }
  }

  private func execution(in checkpoints: StageCheckpoints) async throws -> PipelineExecution {
    let all = try await checkpoints.registry.executions(of: nil)
    let found = pipeline.map { name in
      all.filter { $0.pipelineID == name } + all.filter { $0.pipeline == name }
    }
    guard let execution = (found ?? all).first else {
      let what = pipeline.map { "no execution of a pipeline '\($0)'" } ?? "no execution"
      let names = Set(all.map(\.pipeline)).sorted().joined(separator: ", ")
      throw UsageError(
        "there is \(what) in \(checkpoints.registry.location)",
        remedy: names.isEmpty ? nil : "There are: \(names)")
    }
    return execution
  }

  private func declaredStages() throws -> [PlannedStage]? {
    try stages?.split(separator: ",").map { text in
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 1 || Int(parts[1]) != nil, !parts[0].isEmpty else {
        throw UsageError(
          "--stages '\(text)' is not a stage", remedy: "Write it like data_validation:2")
      }
      return PlannedStage(
        name: String(parts[0]), version: parts.count == 2 ? Int(parts[1]) ?? 1 : 1)
    }
  }

  private func inputDigest() throws -> String? {
    guard let input else { return nil }
    let value: CheckpointValue
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: input))
      value = try JSONDecoder().decode(CheckpointValue.self, from: data)
    } catch {
      throw UsageError("--input '\(input)' is no JSON file that can be read")
    }
    return try Pipelines.digest(of: value)
  }

  /// The stages of an execution in the order in which they were first done; those within a stage that is
  /// done itself are a part of it.
  private static func recordedStages(_ recorded: [StageCheckpoint]) -> [PlannedStage] {
    var seen = Set<String>()
    let names = Set(recorded.map(\.stage))
    return recorded.reversed().filter { seen.insert($0.stage).inserted }.filter { checkpoint in
      !names.contains { checkpoint.stage.hasPrefix($0 + "/") }
    }.map { first in
      let newest = recorded.first { $0.stage == first.stage } ?? first
      return PlannedStage(
        name: newest.stage, version: newest.version, isSequential: newest.isSequential)
    }
  }

  /// What the next attempt would do. One that finds a checkpoint gone or damaged falls back on the one
  /// before it, or runs the stage; what comes behind that is decided anew.
  private func steps(
    _ declared: [PlannedStage], _ recorded: [StageCheckpoint], inputDigest: String,
    in checkpoints: StageCheckpoints
  ) async throws -> [Step] {
    var recorded = recorded
    var sound = Set<StageCheckpoint>()
    var defects: [String: String] = [:]
    planning: while true {
      let plan = ReusePlan.plan(declared, recorded: recorded, inputDigest: inputDigest)
      for planned in plan {
        guard case .reuse(let checkpoint) = planned.decision, !sound.contains(checkpoint) else {
          continue
        }
        if let defect = await defect(of: checkpoint, in: checkpoints) {
          recorded.removeAll { $0 == checkpoint }
          defects[planned.stage.name] = defects[planned.stage.name] ?? defect
          continue planning
        }
        sound.insert(checkpoint)
      }
      return plan.map { planned in
        var step = Step(stage: planned.stage.name, version: planned.stage.version, action: "run")
        let defect = defects[planned.stage.name]
        switch planned.decision {
        case .run(let reason):
          step.reason = defect ?? "\(reason)"
        case .reuse(let checkpoint):
          step.action = "reuse"
          step.checkpoint = checkpoint.id
          step.reason = defect.map { "of the one after it, \($0)" }
        }
        return step
      }
    }
  }

  private func defect(
    of checkpoint: StageCheckpoint, in checkpoints: StageCheckpoints
  ) async -> String? {
    if checkpoint.dataFile != nil, checkpoints.size(of: checkpoint) == nil {
      return "its file is gone"
    }
    guard verify else { return nil }
    do {
      _ = try await checkpoints.load(checkpoint.id)
      return nil
    } catch {
      return "\(error)"
    }
  }

  private struct Step: Encodable {
    var stage: String
    var version: Int
    var action: String
    var reason: String?
    var checkpoint: String?
  }

  private struct Plan: Encodable {
    var pipeline: String
    var pipelineID: String
    var status: String
    var attempt: Int
    var error: String?
    var owner: LeaseHolder?
    var stages: [Step] = []
    var notDeclared: [String] = []

    var text: String {
      let isInterrupted = status == PipelineStatus.running.rawValue && owner == nil
      var lines = [
        "\(pipeline)  \(pipelineID)  \(isInterrupted ? "interrupted" : status), attempt \(attempt)"
      ]
      if let owner { lines.append("  worked on by \(owner)") }
      if let error { lines.append("  last error: \(error)") }
      for step in stages {
        let version = step.version == 1 ? "" : " (version \(step.version))"
        let action = step.action == "reuse" ? "reuse" : "run  "
        lines.append(
          "  \(action)  \(step.stage)\(version)"
            + (step.checkpoint.map { "  \($0)" } ?? "") + (step.reason.map { ": \($0)" } ?? ""))
      }
      for name in notDeclared { lines.append("  left   \(name): no longer declared") }
      if status == PipelineStatus.completed.rawValue {
        lines.append("  complete: the next call is a new execution, unless it gives this id")
      } else {
        lines.append("  stages that have never been done are not listed")
      }
      return lines.joined(separator: "\n")
    }
  }
}
