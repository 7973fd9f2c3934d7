internal import Yams

/// A mapping of a job file whose keys are read one by one; what is wrong is noted, not thrown, so
/// that one reading finds everything.
package struct YAMLSection {
  let reader: JobFileReader
  /// The section's path, empty for the whole file.
  package let path: String
  let position: JobFilePosition?
  private var values: [String: Node] = [:]

  /// Takes a mapping's keys; unknown ones are problems.
  init?(_ node: Node, path: String, keys: [String], reader: JobFileReader) {
    self.reader = reader
    self.path = path
    position = reader.position(of: node)
    guard case .mapping(let mapping) = node else {
      // What stands in place of these may be an address with a secret.
      let isSecret = path.hasPrefix("alerts") || path == "sink"
      reader.report(
        node,
        "\(path.isEmpty ? "a job file" : path) is a mapping of \(keys.joined(separator: ", "))"
          + (isSecret ? "" : reader.found(node)))
      return nil
    }
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        reader.report(key, "a key is a word")
        continue
      }
      let name = scalar.string
      guard keys.contains(name) else {
        reader.report(
          key,
          "unknown key '\(name)'" + (path.isEmpty ? "" : " in \(path)")
            + NearestName.hint(for: name, among: keys))
        continue
      }
      values[name] = value
      reader.positions[path.isEmpty ? name : "\(path).\(name)"] =
        reader.position(of: value) ?? reader.position(of: key)
    }
  }

  package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  package func has(_ key: String) -> Bool { values[key] != nil }

  func node(_ key: String) -> Node? { values[key] }

  package func report(_ key: String, _ message: String) {
    if let node = values[key] {
      reader.report(node, "\(path(of: key)): \(message)")
    } else {
      reader.report(at: position, "\(path(of: key)): \(message)")
    }
  }

  /// Notes that a key is missing.
  package func require(_ keys: String...) {
    for key in keys where values[key] == nil {
      reader.report(at: position, "\(path.isEmpty ? "the job" : path) needs '\(key)'")
    }
  }

  // MARK: Values

  package func text(_ key: String) -> String? {
    guard let node = values[key] else { return nil }
    return reader.text(node, path: path(of: key))
  }

  /// A list of texts, or one text.
  package func texts(_ key: String) -> [String]? {
    guard let node = values[key] else { return nil }
    guard case .sequence(let sequence) = node else {
      return reader.text(node, path: path(of: key)).map { [$0] }
    }
    return sequence.compactMap { reader.text($0, path: path(of: key), allowsEmptyPlain: true) }
  }

  /// A text with `${NAME}` replaced.
  package func expandedText(_ key: String) -> String? {
    guard let node = values[key], let text = text(key) else { return nil }
    return reader.expand(text, node, path: path(of: key))
  }

  /// A list of texts, or one text, with `${NAME}` replaced.
  package func expandedTexts(_ key: String) -> [String]? {
    guard let node = values[key] else { return nil }
    return texts(key)?.compactMap { reader.expand($0, node, path: path(of: key)) }
  }

  /// A secret: the text of `key`, with `${NAME}` replaced, or the content of the file that `key_file`
  /// names. It is in no message.
  package func secret(_ key: String) -> String? {
    let fileKey = key + "_file"
    if has(key), has(fileKey) {
      report(fileKey, "the secret is given in '\(path(of: key))' already; leave one of them out")
      return nil
    }
    if has(key) {
      guard let secret = expandedText(key) else { return nil }
      if secret.isEmpty { report(key, "it is empty") }
      return secret.isEmpty ? nil : secret
    }
    guard let named = expandedText(fileKey) else { return nil }
    let file = reader.resolve(named)
    guard let secret = SecretFile.read(file) else {
      report(fileKey, "'\(file)' cannot be read, or is empty")
      return nil
    }
    return secret
  }

  /// A path with `${NAME}` replaced, relative to the job file.
  package func filePath(_ key: String) -> String? { expandedText(key).map(reader.resolve) }

  /// A duration such as `90s` or `9m30s`.
  package func duration(_ key: String) -> Duration? {
    value(key, expected: "a duration such as 90s or 9m30s", { DurationText.parse($0) })
  }

  package func value<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> Value?
  {
    guard let text = text(key) else { return nil }
    guard let value = parse(text) else {
      report(key, "expected \(expected), found '\(text)'")
      return nil
    }
    return value
  }

  package func flag(_ key: String) -> Bool? {
    value(key, expected: "true or false") { $0 == "1" || $0 == "0" ? nil : FlagText.parse($0) }
  }

  package func number(_ key: String, _ range: ClosedRange<Int>) -> Int? {
    let bound = range.upperBound == Int.max ? "" : "…\(range.upperBound)"
    return value(key, expected: "a whole number from \(range.lowerBound)\(bound)") { text in
      Int(text.filter { $0 != "_" }).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, as type: Choice.Type
  ) -> Choice? {
    guard let text = text(key) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    report(key, "'\(text)' is not known" + NearestName.hint(for: text, among: names))
    return nil
  }

  package func section(_ key: String, keys: [String]) -> YAMLSection? {
    guard let node = values[key] else { return nil }
    return YAMLSection(node, path: path(of: key), keys: keys, reader: reader)
  }

  func list(_ key: String, of what: String) -> [Node]? {
    guard let node = values[key] else { return nil }
    guard case .sequence(let sequence) = node else {
      reader.report(node, "\(path(of: key)): expected a list of \(what)" + reader.found(node))
      return nil
    }
    return Array(sequence)
  }
}
