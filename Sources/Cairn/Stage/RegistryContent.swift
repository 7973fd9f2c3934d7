#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What `checkpoint_metadata.json` holds: for each execution its checkpoints, oldest first.
///
/// An entry stays the text that it is until somebody asks for it, so that a hundred thousand of them
/// are read in no time. The form is that of the Python design (`checkpoints`, an object of arrays,
/// `created_at`, `last_updated`); whatever wrote it so is read.
struct RegistryContent {
  /// A checkpoint as text.
  struct Entry {
    var text: [UInt8]

    init(_ text: [UInt8]) { self.text = text }

    /// The name of its state file, when this program wrote it.
    var stateFile: String? { value(after: Self.stateKey, from: 0) }

    /// When it was saved.
    var timestamp: String? {
      value(after: Self.timeKey, from: 0) ?? (try? checkpoint(of: ""))?.timestamp
    }

    func checkpoint(of pipelineID: String) throws -> StageCheckpoint {
      var checkpoint =
        try CheckpointParser.checkpoint(text)
        ?? JSONContent.decode(StageCheckpoint.self, from: text)
      if checkpoint.pipelineID.isEmpty { checkpoint.pipelineID = pipelineID }
      return checkpoint
    }

    private static let timeKey = Array("{\"timestamp\":\"".utf8)
    private static let stateKey = Array(",\"state_file\":\"".utf8)

    private func value(after key: [UInt8], from start: Int) -> String? {
      // Both stand at the very beginning, and neither has anything to be escaped.
      let head = text.prefix(key == Self.timeKey ? key.count : 80)
      guard let place = head.firstRange(of: key), key != Self.timeKey || place.lowerBound == 0
      else { return nil }
      let rest = text[place.upperBound...]
      guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
  }

  /// When the registry was begun, in ISO 8601 UTC.
  var createdAt: String
  /// The executions in the order of their first checkpoint.
  private(set) var executions: [String] = []
  private(set) var entries: [String: [Entry]] = [:]

  init(createdAt: String) { self.createdAt = createdAt }

  /// How many checkpoints there are.
  var count: Int { entries.values.reduce(0) { $0 + $1.count } }

  /// Adds a checkpoint.
  mutating func add(_ entry: Entry, to execution: String) {
    if entries[execution] == nil { executions.append(execution) }
    entries[execution, default: []].append(entry)
  }

  /// Removes the checkpoint of a state file, or what has the id where another program wrote it.
  mutating func remove(stateFile: String, id: String?, from execution: String) {
    entries[execution]?.removeAll { entry in
      if let name = entry.stateFile { return name == stateFile }
      return id != nil && (try? entry.checkpoint(of: execution).id) == id
    }
    if entries[execution]?.isEmpty == true {
      entries[execution] = nil
      executions.removeAll { $0 == execution }
    }
  }

  // MARK: Text

  private static let opening = "{\n  \"format_version\": 1,\n  \"created_at\": "

  /// The registry as text.
  func text(updatedAt: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(contentsOf: Self.opening.utf8)
    bytes.append(contentsOf: JSONContent.quoted(createdAt))
    bytes.append(contentsOf: ",\n  \"last_updated\": ".utf8)
    bytes.append(contentsOf: JSONContent.quoted(updatedAt))
    bytes.append(contentsOf: ",\n  \"checkpoints\": {".utf8)
    for (position, execution) in executions.enumerated() {
      bytes.append(contentsOf: (position == 0 ? "\n    " : ",\n    ").utf8)
      bytes.append(contentsOf: JSONContent.quoted(execution))
      bytes.append(contentsOf: ": [".utf8)
      for (index, entry) in (entries[execution] ?? []).enumerated() {
        bytes.append(contentsOf: (index == 0 ? "\n      " : ",\n      ").utf8)
        bytes.append(contentsOf: entry.text)
      }
      bytes.append(contentsOf: "\n    ]".utf8)
    }
    bytes.append(contentsOf: (executions.isEmpty ? "}\n}\n" : "\n  }\n}\n").utf8)
    return bytes
  }

  /// Reads a registry.
  ///
  /// - Throws: An error of decoding when it is no registry.
  init(text: [UInt8]) throws {
    if let own = Self(ownText: text) {
      self = own
      return
    }
    let foreign = try JSONContent.decode(Foreign.self, from: text)
    createdAt = foreign.createdAt ?? ""
    for (execution, checkpoints) in foreign.checkpoints.sorted(by: { $0.key < $1.key }) {
      executions.append(execution)
      entries[execution] = try checkpoints.map { Entry(try JSONContent.encode($0)) }
    }
  }

  private struct Foreign: Decodable {
    var checkpoints: [String: [CheckpointValue]]
    var createdAt: String?

    private enum CodingKeys: String, CodingKey {
      case checkpoints
      case createdAt = "created_at"
    }
  }

  /// Reads what ``text(updatedAt:)`` wrote, line by line; nil when it is something else.
  private init?(ownText text: [UInt8]) {
    guard text.starts(with: Self.opening.utf8), text.suffix(4).elementsEqual("}\n}\n".utf8) else {
      return nil
    }
    createdAt = ""
    var execution: String?
    var lines = text.split(separator: UInt8(ascii: "\n"))[2...]
    guard let created = lines.first,
      let begun = Self.string(in: created[(created.startIndex + 16)...])
    else { return nil }
    createdAt = begun
    lines = lines.dropFirst(3)
    for line in lines {
      if line.starts(with: "      {".utf8) {
        guard let execution else { return nil }
        let end = line.last == UInt8(ascii: ",") ? line.endIndex - 1 : line.endIndex
        entries[execution, default: []].append(Entry(Array(line[(line.startIndex + 6)..<end])))
      } else if line.starts(with: "    \"".utf8) {
        guard line.suffix(3).elementsEqual(": [".utf8),
          let name = Self.string(in: line[(line.startIndex + 4)..<(line.endIndex - 3)])
        else { return nil }
        execution = name
        executions.append(name)
      } else if !line.starts(with: "    ]".utf8), !line.elementsEqual("  }".utf8),
        !line.elementsEqual("}".utf8)
      {
        return nil
      }
    }
  }

  /// The text of a JSON string, a comma behind it or not.
  static func string(in bytes: ArraySlice<UInt8>) -> String? {
    let quoted = bytes.last == UInt8(ascii: ",") ? bytes.dropLast() : bytes
    guard quoted.contains(UInt8(ascii: "\\")) else {
      guard quoted.count >= 2 else { return nil }
      return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
    }
    return try? JSONContent.decode(String.self, from: Array(quoted))
  }
}

/// A line of the registry's journal: a checkpoint that was saved or deleted since the registry was
/// written last.
enum RegistryJournal {
  private static let saveKey = Array("{\"saved\":".utf8)
  private static let deleteKey = Array("{\"deleted\":".utf8)
  private static let executionKey = Array(",\"of\":".utf8)

  static func saved(_ entry: RegistryContent.Entry, of execution: String) -> [UInt8] {
    saveKey + entry.text + executionKey + JSONContent.quoted(execution) + Array("}\n".utf8)
  }

  static func deleted(stateFile: String, of execution: String) -> [UInt8] {
    deleteKey + JSONContent.quoted(stateFile) + executionKey + JSONContent.quoted(execution)
      + Array("}\n".utf8)
  }

  /// Applies a journal. A line that was torn off by a crash is left out: what it says was never
  /// acknowledged.
  ///
  /// A journal may be read again after it was folded in: what is there is not added twice.
  static func apply(_ text: [UInt8], to content: inout RegistryContent) {
    var known: [String: Set<String>] = [:]
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard line.last == UInt8(ascii: "}"), let place = line.lastRange(of: executionKey),
        let execution = RegistryContent.string(in: line[place.upperBound..<(line.endIndex - 1)])
      else { continue }
      if line.starts(with: saveKey) {
        let entry = RegistryContent.Entry(
          Array(line[(line.startIndex + saveKey.count)..<place.lowerBound]))
        guard entry.text.last == UInt8(ascii: "}"), let file = entry.stateFile else { continue }
        var files =
          known.removeValue(forKey: execution)
          ?? Set((content.entries[execution] ?? []).compactMap(\.stateFile))
        if files.insert(file).inserted { content.add(entry, to: execution) }
        known[execution] = files
      } else if line.starts(with: deleteKey),
        let file = RegistryContent.string(
          in: line[(line.startIndex + deleteKey.count)..<place.lowerBound])
      {
        content.remove(stateFile: file, id: nil, from: execution)
        known[execution]?.remove(file)
      }
    }
  }
}

extension ArraySlice<UInt8> {
  /// The last place where `other` stands.
  fileprivate func lastRange(of other: [UInt8]) -> Range<Int>? {
    guard count >= other.count else { return nil }
    for start in stride(from: endIndex - other.count, through: startIndex, by: -1)
    where self[start] == other[0] && self[start..<start + other.count].elementsEqual(other) {
      return start..<start + other.count
    }
    return nil
  }
}
