package import Cairn
import Foundation

/// An API for tests: repositories with items, items with notes. It knows the right answer.
package struct ScriptedWorld: Sendable {
  /// An item.
  package struct Item: Codable, Sendable, Hashable {
    package var id: Int64
    package var repo: String
    package var n: Int64
  }

  /// A note of an item.
  package struct Note: Codable, Sendable, Hashable {
    package var item: Int64
    package var no: Int64
    package var text: String
  }

  /// The items of each repository, by id, with the time of their last change.
  package var repos: [String: [(item: Item, changed: Int64)]]

  /// A world in its first state, or changed: in state 2 items have changed and vanished, and so has a
  /// repository; another one is new.
  package init(repos count: Int, items: Int, state: Int = 1, now: Int64 = 0) {
    repos = [:]
    for number in 0..<count + (state > 1 ? 1 : 0) where state == 1 || number != 1 {
      var list: [(item: Item, changed: Int64)] = []
      let size = number % 4 == 3 ? 0 : items + number
      for index in 0..<size where state == 1 || (number * 7 + index) % 11 != 0 {
        let id = Int64(number * 10_000 + index)
        let isChanged = state > 1 && (number >= count || index % 5 == 2)
        list.append(
          (
            Item(id: id, repo: Self.name(number), n: id * 3 + (isChanged ? 1 : 0)),
            isChanged ? now : 0
          ))
      }
      repos[Self.name(number)] = list
    }
  }

  package static func name(_ number: Int) -> String { "org/repo-\(number)" }

  package static func notes(of item: Item) -> [Note] {
    (0..<item.n % 3).map { Note(item: item.id, no: $0, text: "note \($0) of \(item.n)") }
  }

  package var items: Set<Item> { Set(repos.values.joined().map(\.item)) }
  package var notes: Set<Note> { Set(items.flatMap(Self.notes)) }

  /// How many pages a run that reads everything has.
  package func pages(limit: Int) -> Int {
    (repos.count + 2) / 3 + repos.values.reduce(0) { $0 + max(1, ($1.count + limit - 1) / limit) }
  }
}

/// The source of a scripted world, with a hook before each page.
package struct ScriptedSource: CursorSource {
  package var world: ScriptedWorld
  package var type = "scripted"
  package var scope = "all"
  package var recovery = JobRecovery.resume
  package var layout = CheckpointLayout.general
  package var leavingOut = ""
  /// Called with what the last checkpoint says of limits.
  package var recalled: @Sendable (RateLimit) -> Void = { _ in }
  /// Called before each page; a page that it gives is the answer.
  package var before: @Sendable (PageRequest) async throws -> Page?

  package let phases = ["discovery", "items", "sweep"]
  package let sweepPhases = ["sweep"]
  package let firstPartitions = [
    Partition(phase: "discovery", name: "org", isReadWhole: true)
  ]
  package let tables = [
    RecordTable(
      "items",
      columns: [
        TargetColumn(name: "id", type: .bigint, isRequired: true),
        TargetColumn(name: "repo", type: .text, isRequired: false),
        TargetColumn(name: "n", type: .bigint, isRequired: false),
      ], key: ["id"]),
    RecordTable(
      "notes",
      columns: [
        TargetColumn(name: "item", type: .bigint, isRequired: true),
        TargetColumn(name: "no", type: .bigint, isRequired: true),
        TargetColumn(name: "text", type: .text, isRequired: false),
      ], key: ["item", "no"], parent: .init(table: "items", columns: ["id": "item"])),
  ]

  package init(
    _ world: ScriptedWorld,
    before: @escaping @Sendable (PageRequest) async throws -> Page? = { _ in nil }
  ) {
    self.world = world
    self.before = before
  }

  package func recall(_ rateLimit: RateLimit) { recalled(rateLimit) }

  package func page(_ request: PageRequest) async throws -> Page {
    request.context.countRequest()
    if let page = try await before(request) { return page }
    let name = request.partition.name
    switch request.partition.phase {
    case "discovery": return discovery(request)
    case "sweep": return sweep(name)
    default:
      guard let all = world.repos[name] else { return Page(next: .passedOver(reason: "404")) }
      let since = request.since ?? .min
      return try page(of: all.filter { $0.changed >= since }.map(\.item), request)
    }
  }

  private func discovery(_ request: PageRequest) -> Page {
    let names = world.repos.keys.sorted()
    let start = request.cursor.flatMap { Int($0) } ?? 0
    let end = min(start + 3, names.count)
    return Page(
      next: end < names.count ? .after("\(end)") : .finished,
      discovered: names[start..<end].flatMap { name in
        [
          Partition(phase: "items", name: name),
          Partition(phase: "sweep", name: name, isReadWhole: true),
        ]
      })
  }

  private func page(of items: [ScriptedWorld.Item], _ request: PageRequest) throws -> Page {
    let after = request.cursor.flatMap { Int64($0) } ?? -1
    let rest = items.filter { $0.id > after }
    let taken = Array(rest.prefix(request.limit))
    let notes = taken.flatMap(ScriptedWorld.notes)
    struct Parent: Codable { var item: Int64 }
    return Page(
      rows: [
        TableRows(table: "items", batch: try RecordBatch(rows: taken)),
        TableRows(table: "notes", batch: try RecordBatch(rows: notes)),
      ],
      next: rest.count > taken.count ? .after("\(taken[taken.count - 1].id)") : .finished,
      records: taken.count,
      replacedChildren: taken.isEmpty
        ? []
        : [
          ReplacedChildren(
            table: "notes", parent: "item",
            values: try RecordBatch(rows: taken.map { Parent(item: $0.id) }))
        ])
  }

  private func sweep(_ name: String) -> Page {
    Page(
      next: .finished,
      sweeps: [
        KeySweep(
          table: "items", scope: ["repo": name], column: "id", after: nil, through: nil,
          present: (world.repos[name] ?? []).map(\.item.id))
      ])
  }
}
