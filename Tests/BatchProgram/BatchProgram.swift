import Cairn
import CairnPostgres
import CairnSQLite
import CairnTesting
import Foundation

/// A processor in a process of its own, which tests kill: it trains a small model over entities, whose
/// numbers depend on every entity and on their order, and writes a row for each.
///
/// Prints the model's bits, and how the work went, as JSON.
@main
struct BatchProgram {
  static func main() async throws {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Settings(CommandLine.arguments.dropFirst())
    let faults = try FaultPoints.crashing(environment: environment)
    let sink = settings.sink(faults: faults)
    var options = ProcessorOptions(
      leaseDuration: .seconds(5), waitForOwner: .seconds(settings.wait),
      retry: RetryPolicy(minimumBackoff: .milliseconds(10), maximumBackoff: .milliseconds(50)),
      stateFolder: settings.folder, inlineStateLimit: 64, faults: faults)
    options.takeOver = settings.takesOver
    let processor = Processor(
      "trainer", into: sink,
      target: EntityTarget(
        "results", mode: settings.replaces ? .replacePartition(column: "day") : .append),
      options: options)
    let entities = (0..<settings.entities).map { Entity(number: $0) }
    do {
      let outcome: EntityBatchOutcome
      var marks: [Double] = []
      if settings.isBare {
        var begun: [ContinuousClock.Instant] = []
        outcome = try await Processor("marks", into: sink, options: options).forEachBatch(
          of: entities, id: \.id, size: .entities(settings.size)
        ) { _ in
          begun.append(.now)
          return BatchResult()
        }
        marks = zip(begun, begun.dropFirst()).map { ($1 - $0) / .seconds(1) }.sorted()
      } else if settings.atOnce > 1 {
        outcome = try await processor.forEachBatch(
          of: entities, id: \.id, partition: "2025-01-29", size: .entities(settings.size),
          atOnce: settings.atOnce
        ) { batch in
          try await Task.sleep(for: settings.delay)
          return BatchResult(rows: try RecordBatch(rows: batch.entities.map(Row.init)))
        }
      } else {
        var model = Model()
        outcome = try await processor.forEachBatch(
          of: entities, id: \.id, partition: "2025-01-29", size: .entities(settings.size),
          deadline: settings.deadline, restore: { model = try $0?.decoded() ?? Model() }
        ) { batch in
          try await Task.sleep(for: settings.delay)
          for entity in batch.entities { model.learn(entity) }
          return BatchResult(
            rows: try RecordBatch(rows: batch.entities.map(Row.init)), state: model)
        }
      }
      var summary = try Summary(outcome)
      if !marks.isEmpty { summary.secondsPerMark = marks[marks.count / 2] }
      try print(summary)
      exit(outcome.exitCode)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit((error as? EntityBatchError)?.exitCode ?? 1)
    }
  }

  private static func print(_ summary: Summary) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    Swift.print(String(decoding: try encoder.encode(summary), as: UTF8.self))
  }
}

struct Entity: Sendable {
  var number: Int
  var id: String { "e\(number)" }
}

struct Row: Codable {
  var id: String
  var n: Int
  var day: String

  init(_ entity: Entity) {
    id = entity.id
    n = entity.number * 7 % 101
    day = "2025-01-29"
  }
}

/// A model whose weights depend on the order of what it learned.
struct Model: Codable, Sendable {
  var weights = [Double](repeating: 0.1, count: 32)
  var seen = 0

  mutating func learn(_ entity: Entity) {
    seen += 1
    for index in weights.indices {
      let input = sin(Double(entity.number * (index + 3)))
      weights[index] += 0.01 * (input - weights[index] * weights[(index + 1) % weights.count])
    }
  }
}

/// What the tests look at.
struct Summary: Codable {
  var model: String?
  var attempt: Int
  var completedBefore: Int
  var completed: Int
  var batches: Int
  /// The median time from one batch to the next; only where there is nothing else to do.
  var secondsPerMark: Double?
  var notes: [String]

  init(_ outcome: EntityBatchOutcome) throws {
    let report = outcome.report
    model = try report.state.map { state in
      let model: Model = try state.decoded()
      return "\(model.seen) "
        + model.weights.map { String($0.bitPattern, radix: 16) }.joined(separator: " ")
    }
    attempt = report.attempt
    completedBefore = report.completedBefore
    completed = report.completed
    batches = report.batches
    notes = report.notes
  }
}

/// The arguments: `name=value`.
struct Settings: Sendable {
  var into = ""
  var schema: String?
  var folder = "."
  var entities = 60
  var size = 10
  var atOnce = 1
  /// Whether batches have neither rows nor state: their marks alone.
  var isBare = false
  var replaces = false
  var takesOver = false
  var wait = 0
  var delay: Duration = .zero
  var deadline: Duration?

  init(_ arguments: some Sequence<String>) throws {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      let value = parts.count == 2 ? parts[1] : ""
      switch parts[0] {
      case "into": into = value
      case "schema": schema = value
      case "folder": folder = value
      case "entities": entities = Int(value) ?? entities
      case "size": size = Int(value) ?? size
      case "at-once": atOnce = Int(value) ?? atOnce
      case "replace": replaces = true
      case "bare": isBare = true
      case "take-over": takesOver = true
      case "wait": wait = Int(value) ?? 0
      case "delay": delay = .milliseconds(Int(value) ?? 0)
      case "deadline": deadline = .milliseconds(Int(value) ?? 0)
      default: throw UnknownArgument(text: argument)
      }
    }
  }

  func sink(faults: FaultPoints) -> any EntityBatchSink {
    into.hasPrefix("sqlite:")
      ? SQLiteSink(path: String(into.dropFirst("sqlite:".count)), faults: faults)
      : PostgresSink(url: into, stateSchema: schema, faults: faults)
  }
}

struct UnknownArgument: Error {
  var text: String
}
