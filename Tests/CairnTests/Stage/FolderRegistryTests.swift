import Cairn
import CairnTesting
import Foundation
import Testing

@Suite("A folder's registry does what every registry must") struct FolderRegistryConformanceTests {
  @Test(arguments: RegistryBattery.checks)
  func check(_ check: RegistryCheck) async throws {
    let place = try CheckpointPlace()
    try await check.run(
      on: RegistryPlace(hasLeases: false) {
        // The folder must outlive the registries.
        withExtendedLifetime(place) {
          FolderRegistry(directory: place.file("checkpoints"), durability: .unsynced)
        }
      })
  }
}

@Suite("A folder's registry on disk") struct FolderRegistryTests {
  /// Makes a registry of many checkpoints at once, by its own form.
  private func grow(_ place: CheckpointPlace, to count: Int) throws {
    var text = """
      {
        "format_version": 1,
        "created_at": "2025-10-07T12:00:00.000000Z",
        "last_updated": "2025-10-07T12:00:00.000000Z",
        "checkpoints": {

      """
    for execution in 0..<count / 10 {
      text += execution == 0 ? "    \"p\(execution)\": [\n" : ",\n    \"p\(execution)\": [\n"
      for number in 0..<10 {
        text +=
          "      {\"timestamp\":\"2025-10-07T12:00:00.000000Z\",\"state_file\":\"pipeline_p\(execution)_stage_s\(number)_state.json\",\"checkpoint_id\":\"p\(execution)_s\(number)\",\"pipeline_id\":\"p\(execution)\",\"stage\":\"s\(number)\",\"data_hash\":\"\(String(repeating: "0", count: 64))\",\"data_shape\":[1,1],\"kind\":\"json\",\"data_file\":null,\"version\":1,\"format_version\":1}"
          + (number < 9 ? ",\n" : "\n    ]")
      }
    }
    text += "\n  }\n}\n"
    try FileManager.default.createDirectory(
      atPath: place.file("checkpoints"), withIntermediateDirectories: true)
    try place.write(text.utf8, to: "checkpoints/checkpoint_metadata.json")
  }

  @Test func `a save writes as much with a hundred thousand checkpoints as with ten`() async throws
  {
    let place = try CheckpointPlace()
    try grow(place, to: 100_000)
    let checkpoints = place.checkpoints()
    let before = try FileManager.default.attributesOfItem(
      atPath: place.file("checkpoints/checkpoint_metadata.json"))
    for number in 0..<20 {
      try await checkpoints.save(number, pipeline: "new", stage: "s\(number)")
    }
    let after = try FileManager.default.attributesOfItem(
      atPath: place.file("checkpoints/checkpoint_metadata.json"))
    // The registry is not touched; what is new stands in the journal.
    #expect(before[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
    #expect(before[.size] as? Int == after[.size] as? Int)
    let journal = try place.bytes("checkpoints/checkpoint_journal.jsonl")
    #expect(journal.count < 40_000)
    #expect(try await checkpoints.list("new").count == 20)
    #expect(try await place.checkpoints().list("p9999").count == 10)
  }

  @Test func `the journal is folded in, so that readers of the registry find everything`()
    async throws
  {
    let place = try CheckpointPlace()
    try grow(place, to: 200)
    let pipelines = Pipelines(checkpoints: place.checkpoints())
    let id = try await pipelines.run("stocks") { run in
      try await run.stage("a") { 1 }
      return run.id
    }
    let registry = try place.object("checkpoints/checkpoint_metadata.json")
    let all = registry["checkpoints"] as? [String: [[String: Any]]]
    #expect(all?[id]?.count == 1 && all?.count == 21)
    #expect(try place.bytes("checkpoints/checkpoint_journal.jsonl").isEmpty)
  }

  @Test func `a line of the journal that was torn off is not taken, and spoils no other`()
    async throws
  {
    let place = try CheckpointPlace()
    try grow(place, to: 200)
    let first = try await place.checkpoints().save(1, pipeline: "new", stage: "a")
    let second = try await place.checkpoints().save(2, pipeline: "new", stage: "b")
    var journal = try place.bytes("checkpoints/checkpoint_journal.jsonl")
    journal.removeLast(40)
    try place.write(journal, to: "checkpoints/checkpoint_journal.jsonl")
    #expect(try await place.checkpoints().list("new").map(\.id) == [first])
    let third = try await place.checkpoints().save(3, pipeline: "new", stage: "c")
    #expect(try await place.checkpoints().list("new").map(\.id) == [third, first])
    _ = second
  }

  @Test func `a journal that was folded in but not emptied changes nothing`() async throws {
    let place = try CheckpointPlace()
    try grow(place, to: 200)
    let id = try await place.checkpoints().save(1, pipeline: "new", stage: "a")
    let gone = try await place.checkpoints().save(2, pipeline: "new", stage: "b")
    try await place.checkpoints().delete(gone)
    let journal = try place.bytes("checkpoints/checkpoint_journal.jsonl")
    #expect(!journal.isEmpty)
    // Ends with a fold.
    try await Pipelines(checkpoints: place.checkpoints()).run("other") { _ in }
    try place.write(journal, to: "checkpoints/checkpoint_journal.jsonl")
    #expect(try await place.checkpoints().list("new").map(\.id) == [id])
  }

  @Test(arguments: [true, false])
  func `a registry that is damaged or lost is made anew from the states`(_ lost: Bool) async throws
  {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    var ids: [String] = []
    for number in 0..<5 {
      ids.append(
        try await checkpoints.save(number, pipeline: "p", stage: "s", metadata: ["n": 1]))
      place.pass(.seconds(1))
    }
    if lost {
      try FileManager.default.removeItem(
        atPath: place.file("checkpoints/checkpoint_metadata.json"))
    } else {
      try place.write(
        "{\"checkpoints\": {\"p\": [{".utf8, to: "checkpoints/checkpoint_metadata.json")
    }
    let found = try await place.checkpoints().list("p")
    #expect(found.map(\.id) == ids.reversed())
    #expect(found.allSatisfy { $0.metadata == ["n": 1] })
    if !lost { #expect(place.names().contains("checkpoint_metadata.json.damaged")) }
    let sixth = try await place.checkpoints().save(6, pipeline: "p", stage: "s")
    #expect(try await place.checkpoints().list("p").map(\.id) == [sixth] + ids.reversed())
  }

  @Test func `what the Python design wrote is listed and kept, not read`() async throws {
    let place = try CheckpointPlace()
    try FileManager.default.createDirectory(
      atPath: place.file("checkpoints"), withIntermediateDirectories: true)
    try place.write(
      """
      {
        "checkpoints": {
          "pipeline_20251006_090000": [
            {
              "checkpoint_id": "pipeline_20251006_090000_data_extraction_20251006_090001",
              "stage": "data_extraction",
              "timestamp": "2025-10-06T09:00:01.123456",
              "data_shape": [250, 7],
              "data_hash": "0123456789abcdef"
            }
          ]
        },
        "created_at": "2025-10-06T09:00:01.1",
        "last_updated": "2025-10-06T09:00:01.2"
      }
      """.utf8, to: "checkpoints/checkpoint_metadata.json")
    let checkpoints = place.checkpoints()
    let own = try await checkpoints.save(1, pipeline: "p", stage: "s")
    let all = try await place.checkpoints().list()
    #expect(all.map(\.id).last == "pipeline_20251006_090000_data_extraction_20251006_090001")
    #expect(all.map(\.kind) == [.json, .foreign] && all.first?.id == own)
    await #expect(throws: CheckpointError.self) {
      _ = try await checkpoints.load(try #require(all.last).id)
    }
    place.pass(.seconds(8 * 86_400))
    #expect(try await checkpoints.cleanUp() == 2)
    #expect(try await place.checkpoints().list() == [])
  }

  @Test func `a full disk leaves neither half a checkpoint nor a torn registry`() async throws {
    let place = try CheckpointPlace()
    let mounted = place.file("small")
    try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
    guard
      (try? await run("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", mounted])) != nil
    else {
      print("no tmpfs can be mounted here; the test of a full disk is skipped")
      return
    }
    defer { _ = try? runBlocking("umount", ["-l", mounted]) }
    let checkpoints = place.checkpoints("small/checkpoints", compression: .none)
    var ids: [String] = []
    var failure: (any Error)?
    for number in 0..<100 where failure == nil {
      do {
        ids.append(
          try await checkpoints.save(
            try prices(250, seed: number), pipeline: "p", stage: "s\(number)"))
      } catch { failure = error }
    }
    let error = try #require(failure as? FileError)
    #expect(error.isDiskFull && ErrorClass.of(error) == .transient)
    #expect(ids.count > 3)
    // Everything that was acknowledged is there, and nothing else.
    let again = place.checkpoints("small/checkpoints")
    #expect(try await again.list("p").map(\.id) == ids.reversed())
    for id in ids { #expect(try await again.load(id).rows().rowCount == 250) }
    #expect(place.names("small/checkpoints").allSatisfy { !$0.hasSuffix(".tmp") })
    // Once there is room again it goes on.
    for id in ids.prefix(3) { try await again.delete(id) }
    try await again.save(try prices(5), pipeline: "p", stage: "later")
    #expect(try await again.list("p").count == ids.count - 2)
  }
}
