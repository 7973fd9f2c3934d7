import Cairn
import CairnTesting
import Foundation
import Testing

private let pipeline = "pipeline_20251007_120000"

@Suite("Checkpoints: initialization") struct InitializationTests {
  @Test func `nothing is written before it is needed`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints("data/checkpoints")
    #expect(checkpoints.directory == place.file("data/checkpoints"))
    #expect(!checkpoints.folderExists)
    #expect(place.names("data") == [])
  }

  @Test func `the folder and its parents are made, for this user alone`() async throws {
    let place = try CheckpointPlace()
    try await place.checkpoints("data/checkpoints").save(try prices(), pipeline: "p", stage: "s")
    for name in ["data", "data/checkpoints"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: place.file(name))
      #expect(attributes[.posixPermissions] as? Int == 0o700)
    }
    for name in place.names("data/checkpoints") {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: place.file("data/checkpoints/\(name)"))
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
  }

  @Test func `what another object has saved is there`() async throws {
    let place = try CheckpointPlace()
    let id = try await place.checkpoints().save(try prices(), pipeline: pipeline, stage: "s")
    #expect(try await place.checkpoints().latest(of: pipeline) == id)
    #expect(try await place.checkpoints().load(id).rows().rowCount == 250)
  }
}

@Suite("Checkpoints: save") struct SaveTests {
  @Test func `ids and files are named as the design has them`() async throws {
    let place = try CheckpointPlace()
    let id = try await place.checkpoints().save(
      try prices(), pipeline: pipeline, stage: "data_extraction")
    #expect(id == "pipeline_20251007_120000_data_extraction_20251007_120000")
    let base = "pipeline_20251007_120000_stage_data_extraction_20251007_120000"
    #expect(place.files == ["\(base).parquet", "\(base)_state.json"])
  }

  @Test func `the state says what the checkpoint is`() async throws {
    let place = try CheckpointPlace()
    let id = try await place.checkpoints().save(
      try prices(), pipeline: pipeline, stage: "data_extraction",
      metadata: [
        "tickers": ["AAPL"], "rows": 1_000, "rate": 0.5, "null": nil, "nan": .number(.nan),
      ])
    let state = try place.object("checkpoints/" + #require(place.files.last))
    #expect(state["checkpoint_id"] as? String == id)
    #expect(state["stage"] as? String == "data_extraction")
    #expect(state["pipeline_id"] as? String == pipeline)
    #expect(state["data_shape"] as? [Int] == [250, 4])
    #expect((state["data_hash"] as? String)?.count == 64)
    #expect(state["timestamp"] as? String == "2025-10-07T12:00:00.000000Z")
    #expect(state["format_version"] as? Int == 1)
    let metadata = state["metadata"] as? [String: Any]
    #expect(metadata?["tickers"] as? [String] == ["AAPL"])
    #expect(metadata?["rows"] as? Int == 1_000)
    #expect(metadata?["rate"] as? Double == 0.5)
    #expect(metadata?["nan"] as? String == "nan")
    #expect(metadata?["null"] is NSNull)
  }

  @Test func `the registry has the form of the design`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let first = try await checkpoints.save(try prices(), pipeline: pipeline, stage: "a")
    place.pass(.seconds(1))
    let second = try await checkpoints.save(try prices(9), pipeline: pipeline, stage: "b")
    try await checkpoints.save([1, 2, 3], pipeline: "other", stage: "b")
    let registry = try place.object("checkpoints/checkpoint_metadata.json")
    #expect(registry["created_at"] is String && registry["last_updated"] is String)
    let all = registry["checkpoints"] as? [String: [[String: Any]]]
    #expect(all?.keys.sorted() == ["other", pipeline])
    let entries = all?[pipeline]
    #expect(entries?.map { $0["checkpoint_id"] as? String } == [first, second])
    #expect(entries?.map { $0["stage"] as? String } == ["a", "b"])
    #expect(entries?.last?["data_shape"] as? [Int] == [9, 4])
    #expect(entries?.last?["timestamp"] as? String == "2025-10-07T12:00:01.000000Z")
  }

  @Test func `saves in the same second have names of their own`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let ids = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<20 {
        group.addTask {
          // As from another process.
          let checkpoints = number % 2 == 0 ? checkpoints : place.checkpoints()
          return try await checkpoints.save(
            try prices(5, seed: number), pipeline: pipeline, stage: "s")
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(ids).count == 20)
    #expect(place.files.count == 40)
    let sums = try await ids.asyncMap { id in
      try await checkpoints.load(id).rows().column("volume", as: Int64.self)[0]
    }
    #expect(Set(sums) == Set((0..<20).map { Int64($0) * 31 }))
    #expect(place.names().allSatisfy { !$0.hasSuffix(".tmp") })
  }

  @Test(arguments: [CheckpointCompression.none, .snappy, .lz4, .zstd(level: 3)])
  func `rows of every type come back`(_ compression: CheckpointCompression) async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints(compression: compression, durability: .synced)
    let batch = try everyType()
    let id = try await checkpoints.save(batch, pipeline: pipeline, stage: "s")
    #expect(expectSame(try await checkpoints.load(id).rows(), batch))
  }
}

@Suite("Checkpoints: load") struct LoadTests {
  @Test func `state and data come back`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let id = try await checkpoints.save(
      try prices(), pipeline: pipeline, stage: "s", metadata: ["a": "b"])
    let loaded = try await checkpoints.load(id)
    #expect(loaded.state.metadata == ["a": "b"])
    #expect(loaded.state.rows == 250)
    #expect(expectSame(try loaded.rows(), try prices()))
    #expect(loaded.cost.bytes > 0 && loaded.cost.seconds > 0)
  }

  @Test func `an unknown id says how to list the known ones`() async throws {
    let place = try CheckpointPlace()
    let error = await #expect(throws: CheckpointError.self) {
      try await place.checkpoints().load("nothing")
    }
    #expect("\(try #require(error))".contains("cairn checkpoints list"))
  }

  @Test func `a flipped bit is found, wherever it matters`() async throws {
    let folder = try CheckpointPlace()
    let checkpoints = folder.checkpoints(compression: .none)
    let batch = try prices(40)
    let id = try await checkpoints.save(batch, pipeline: pipeline, stage: "s")
    let file = "checkpoints/" + folder.files[0]
    let sound = try folder.bytes(file)
    var found = 0
    for offset in stride(from: 0, to: sound.count, by: 13) {
      try folder.damage(file, at: offset)
      do {
        // Where it says who wrote the file a bit does not matter.
        #expect(expectSame(try await checkpoints.load(id).rows(), batch), "byte \(offset)")
      } catch is CheckpointError {
        found += 1
      }
      try folder.write(sound, to: file)
    }
    #expect(found > sound.count / 13 / 2)
  }

  @Test func `after damage the last valid one counts, and the bad one is kept aside`() async throws
  {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    for seed in 1...3 {
      try await checkpoints.save(try prices(5, seed: seed), pipeline: pipeline, stage: "s")
      place.pass(.seconds(1))
    }
    let newest = try #require(place.files.last { $0.hasSuffix(".parquet") })
    try place.damage("checkpoints/" + newest, at: 20)
    let loaded = try #require(try await checkpoints.loadLastValid(of: pipeline, stage: "s"))
    #expect(expectSame(try loaded.rows(), try prices(5, seed: 2)))
    #expect(place.names().contains(newest + ".damaged"))
    #expect(place.log.contains { $0.contains("kept aside") && $0.contains(newest) })
    // It is not listed any more.
    #expect(try await checkpoints.list(pipeline).count == 2)
  }
}

@Suite("Checkpoints: data hash") struct DataHashTests {
  @Test func `the digest is that of an independent reckoning`() throws {
    // By Python's hashlib, from the definition.
    let batch = try RecordBatch(columns: [
      Column(name: "n", type: .bigint, values: .bigint([1, -2, 3])),
      Column(
        name: "t", type: .text,
        values: try RecordBatch(rows: ["ab", "c"].map(Word.init))
          .columns[0].values, indices: [1, .max, 0]),
      Column(name: "f", type: .boolean, values: .boolean([true, false]), indices: [0, 1, 1]),
    ])
    #expect(
      batch.checkpointDigest
        == "009438c24f348fd647de611ae45663264805645b4fda3aa7676c5167bb0e26d1")
  }

  @Test func `neither row groups nor codec nor coding change it`() async throws {
    let place = try CheckpointPlace()
    let batch = try everyType(40)
    let checkpoints = place.checkpoints()
    var hashes: Set<String> = []
    for compression in [CheckpointCompression.none, .zstd(level: 9)] {
      var other = checkpoints
      other.compression = compression
      let id = try await other.save(batch, pipeline: pipeline, stage: "s")
      hashes.insert(try await checkpoints.describe(id).dataHash)
    }
    for size in [1, 7, 39, 40] {
      let pipelines = Pipelines(checkpoints: checkpoints)
      let stream = try await pipelines.run("p\(size)") { run in
        try await run.stage("stream") { writer in
          for start in stride(from: 0, to: 40, by: size) {
            let rows = (start..<min(start + size, 40)).map { UInt32($0) }
            try await writer.write(batch.selecting(rows: rows))
          }
        }
      }
      #expect(stream.batchCount == (40 + size - 1) / size)
      hashes.insert(stream.digest)
    }
    // Coded otherwise: every value in its own place.
    let plain = try RecordBatch(
      columns: batch.columns.map { column in
        var selected = column.selecting(rows: (0..<40).map { UInt32($0) })
        selected.indices = selected.indices ?? (0..<40).map { UInt32($0) }
        return selected
      })
    hashes.insert(plain.checkpointDigest)
    #expect(hashes.count == 1)
  }

  @Test func `any change of name, type, value, order or gap changes it`() throws {
    func hash(_ values: [Int64], _ indices: [UInt32]? = nil, name: String = "n") throws -> String {
      try RecordBatch(columns: [
        Column(name: name, type: .bigint, values: .bigint(values), indices: indices)
      ]).checkpointDigest
    }
    let hashes = [
      try hash([1, 2, 3]), try hash([1, 2, 4]), try hash([2, 1, 3]),
      try hash([1, 2, 3], name: "m"),
      try hash([1, 2, 3], [0, 1, .max]), try hash([1, 2, 3], [0, .max, 1]),
      try hash([1, 2, 3], [.max, 0, 1]), try hash([1, 2]), try hash([]),
      try RecordBatch(columns: [
        Column(name: "n", type: .timestamp, values: .timestamp([1, 2, 3]))
      ]).checkpointDigest,
    ]
    #expect(Set(hashes).count == hashes.count)
  }

  private struct Word: Codable {
    var t: String
    init(_ t: String) { self.t = t }
  }
}

@Suite("Checkpoints: latest") struct LatestTests {
  @Test func `of a pipeline and of a stage`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let a = try await checkpoints.save(1, pipeline: pipeline, stage: "a")
    let b = try await checkpoints.save(2, pipeline: pipeline, stage: "b")
    try await checkpoints.save(3, pipeline: "other", stage: "a")
    #expect(try await checkpoints.latest(of: pipeline) == b)
    #expect(try await checkpoints.latest(of: pipeline, stage: "a") == a)
  }

  @Test func `none where there is none`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    #expect(try await checkpoints.latest(of: pipeline) == nil)
    try await checkpoints.save(1, pipeline: pipeline, stage: "a")
    #expect(try await checkpoints.latest(of: pipeline, stage: "b") == nil)
    #expect(try await checkpoints.latest(of: "other") == nil)
  }

  @Test func `a clock that went back changes nothing`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    try await checkpoints.save(1, pipeline: pipeline, stage: "a")
    place.pass(.seconds(-7_200))
    let later = try await checkpoints.save(2, pipeline: pipeline, stage: "a")
    #expect(try await checkpoints.latest(of: pipeline) == later)
    #expect(try await checkpoints.loadLastValid(of: pipeline)?.value(as: Int.self) == 2)
  }
}

@Suite("Checkpoints: list") struct ListTests {
  @Test func `all, newest first`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    var ids: [String] = []
    for number in 0..<6 {
      ids.append(try await checkpoints.save(number, pipeline: "p\(number % 2)", stage: "s"))
      place.pass(.seconds(1))
    }
    #expect(try await checkpoints.list().map(\.id) == ids.reversed())
  }

  @Test func `those of a pipeline`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    var ids: [String] = []
    for number in 0..<6 {
      let id = try await checkpoints.save(number, pipeline: "p\(number % 2)", stage: "s")
      if number % 2 == 1 { ids.append(id) }
    }
    #expect(try await checkpoints.list("p1").map(\.id) == ids.reversed())
    // As the troubleshooting of the design has it: the one before the newest.
    #expect(try await checkpoints.list("p1")[1].id == ids[1])
  }

  @Test func `none`() async throws {
    let place = try CheckpointPlace()
    #expect(try await place.checkpoints().list() == [])
    #expect(try await place.checkpoints().list("p") == [])
  }
}

@Suite("Checkpoints: clean-up") struct CleanUpTests {
  @Test func `what is older than the retention is deleted, files and entries`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    try await checkpoints.save(try prices(), pipeline: "old", stage: "s")
    try await checkpoints.save(1, pipeline: "old", stage: "t")
    place.pass(.seconds(3 * 86_400))
    let kept = try await checkpoints.save(2, pipeline: "new", stage: "s")
    place.pass(.seconds(4 * 86_400 + 1))
    #expect(try await checkpoints.cleanUp() == 2)
    #expect(try await checkpoints.list().map(\.id) == [kept])
    #expect(place.files.count == 2)
    #expect(try await checkpoints.load(kept).value(as: Int.self) == 2)
  }

  @Test func `nothing is deleted where nothing is old`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    try await checkpoints.save(1, pipeline: "p", stage: "s")
    place.pass(.seconds(7 * 86_400 - 1))
    #expect(try await checkpoints.cleanUp() == 0)
    #expect(try await checkpoints.list().count == 1)
  }

  @Test func `another retention, and what a killed process left behind`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    try await checkpoints.save(1, pipeline: "p", stage: "s")
    place.pass(.seconds(3_601))
    let kept = try await checkpoints.save(2, pipeline: "p", stage: "s")
    // The files' own times are those of the machine, which are far ahead of the place's clock.
    let old = Date(timeIntervalSince1970: 1_000_000_000)
    for name in [".17-4.tmp", "pipeline_x_stage_y_20200101_000000.parquet", "notes.txt"] {
      try place.write([1], to: "checkpoints/\(name)")
      try FileManager.default.setAttributes(
        [.modificationDate: old], ofItemAtPath: place.file("checkpoints/\(name)"))
    }
    #expect(try await checkpoints.cleanUp(olderThan: .seconds(3_600)) == 1)
    #expect(try await checkpoints.list().map(\.id) == [kept])
    let names = place.names()
    #expect(!names.contains { $0.hasSuffix(".tmp") || $0.contains("_x_stage_y_") })
    // What is not ours stays.
    #expect(names.contains("notes.txt"))
  }
}

@Suite("Checkpoints: delete") struct DeleteTests {
  @Test func `one is gone, the others are not`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let first = try await checkpoints.save(try prices(), pipeline: "p", stage: "a")
    let second = try await checkpoints.save(try prices(), pipeline: "p", stage: "b")
    #expect(try await checkpoints.delete(first))
    #expect(place.files.count == 2)
    #expect(try await checkpoints.list().map(\.id) == [second])
    await #expect(throws: CheckpointError.self) { _ = try await checkpoints.load(first) }
    let registry = try place.object("checkpoints/checkpoint_metadata.json")
    let entries = registry["checkpoints"] as? [String: [[String: Any]]]
    #expect(entries?["p"]?.count == 1)
  }

  @Test func `an unknown one is said to be`() async throws {
    let place = try CheckpointPlace()
    #expect(try await place.checkpoints().delete("nothing") == false)
  }

  @Test func `one whose files are gone already is deleted too`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let id = try await checkpoints.save(1, pipeline: "p", stage: "a")
    for name in place.files {
      try FileManager.default.removeItem(atPath: place.file("checkpoints/\(name)"))
    }
    #expect(try await checkpoints.delete(id))
    #expect(try await checkpoints.list() == [])
  }
}

@Suite("Checkpoints: progress") struct ProgressTests {
  @Test func `completed stages, total and latest`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    for stage in ["extract", "validate", "extract"] {
      try await checkpoints.save(1, pipeline: pipeline, stage: stage)
      place.pass(.seconds(1))
    }
    let progress = try await checkpoints.progress(of: pipeline)
    #expect(progress.completedStages == ["extract", "validate"])
    #expect(progress.totalCheckpoints == 3)
    #expect(progress.latestCheckpoint == "\(pipeline)_extract_20251007_120002")
    #expect(progress.latestStage == "extract")
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(progress))
    #expect((json as? [String: Any])?["completed_stages"] as? [String] == ["extract", "validate"])
  }

  @Test func `of a pipeline that has none`() async throws {
    let place = try CheckpointPlace()
    let progress = try await place.checkpoints().progress(of: "nothing")
    #expect(progress.completedStages == [] && progress.totalCheckpoints == 0)
    #expect(progress.latestCheckpoint == nil)
  }
}

@Suite("Checkpoints: edge cases") struct EdgeCaseTests {
  @Test func `no rows, no columns, no value`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let noRows = try prices().selecting(rows: [])
    let none = try RecordBatch(columns: [])
    for batch in [noRows, none] {
      let id = try await checkpoints.save(batch, pipeline: "p", stage: "s")
      let loaded = try await checkpoints.load(id).rows()
      #expect(expectSame(loaded, batch) && loaded.rowCount == 0)
    }
    let id = try await checkpoints.save(Int?.none, pipeline: "p", stage: "s")
    #expect(try await checkpoints.load(id).value(as: Int?.self) == nil)
  }

  @Test func `names with slashes and dots never leave the folder`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let names = [
      "../../etc/passwd", "..", ".", "/", "a/b\\c:d", "ünï\0cödé\n",
      String(repeating: "long/", count: 60),
      "..%2F..", "CON", " ", "-rf",
    ]
    for (number, name) in names.enumerated() {
      let id = try await checkpoints.save(number, pipeline: name, stage: name)
      #expect(try await checkpoints.load(id).value(as: Int.self) == number)
      #expect(try await checkpoints.latest(of: name, stage: name) == id)
    }
    #expect(place.names("") == ["checkpoints"])
    #expect(place.files.count == 2 * names.count)
    #expect(
      place.files.allSatisfy { !$0.contains("/") && !$0.contains("..") && $0.utf8.count < 256 })
    await #expect(throws: CheckpointError.self) {
      try await checkpoints.save(1, pipeline: "", stage: "s")
    }
  }

  @Test func `an entry that points elsewhere is not followed`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let id = try await checkpoints.save(try prices(), pipeline: "p", stage: "s")
    try place.write(try place.bytes("checkpoints/" + place.files[0]), to: "outside.parquet")
    // As a path.
    let text = String(
      decoding: try place.bytes("checkpoints/checkpoint_metadata.json"), as: UTF8.self)
    let changed = text.replacing(
      "\"data_file\":\"\(place.files[0])\"", with: "\"data_file\":\"../outside.parquet\"")
    #expect(changed != text)
    try place.write(changed.utf8, to: "checkpoints/checkpoint_metadata.json")
    await #expect(throws: CheckpointError.self) {
      _ = try await place.checkpoints().load(id)
    }
    #expect(try await place.checkpoints().delete(id))
    #expect(place.names("").contains("outside.parquet"))
    // As a link.
    let other = try await checkpoints.save(try prices(), pipeline: "p", stage: "t")
    let data = try #require(place.files.first { $0.contains("_stage_t_") })
    try FileManager.default.removeItem(atPath: place.file("checkpoints/\(data)"))
    try FileManager.default.createSymbolicLink(
      atPath: place.file("checkpoints/\(data)"),
      withDestinationPath: place.file("outside.parquet"))
    await #expect(throws: CheckpointError.self) { _ = try await place.checkpoints().load(other) }
  }

  @Test func `a folder that is a link is followed, one that leads nowhere is refused`() async throws
  {
    let place = try CheckpointPlace()
    try FileManager.default.createDirectory(
      atPath: place.file("real"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: place.file("link"), withDestinationPath: place.file("real"))
    let checkpoints = place.checkpoints("link")
    let id = try await checkpoints.save(try prices(), pipeline: "p", stage: "s")
    #expect(try await checkpoints.load(id).rows().rowCount == 250)
    #expect(place.names("real").contains("checkpoint_metadata.json"))
    place.pass(.seconds(8 * 86_400))
    #expect(try await checkpoints.cleanUp() == 1)
    let kind = try FileManager.default.attributesOfItem(atPath: place.file("link"))[.type]
    #expect(kind as? FileAttributeType == .typeSymbolicLink)

    try FileManager.default.createSymbolicLink(
      atPath: place.file("dangling"), withDestinationPath: place.file("nowhere"))
    let error = await #expect(throws: CheckpointError.self) {
      try await place.checkpoints("dangling").save(1, pipeline: "p", stage: "s")
    }
    #expect("\(try #require(error))".contains("leads to no folder"))
    #expect(!place.names("").contains("nowhere"))
  }
}

extension Array {
  fileprivate func asyncMap<Value>(
    _ transform: (Element) async throws -> Value
  ) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
