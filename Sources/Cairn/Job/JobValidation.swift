extension Job {
  /// Checks that the job makes sense by itself; what depends on the source is checked when that is
  /// known.
  ///
  /// - Throws: ``JobError`` with everything that is wrong.
  public func validate() throws(JobError) {
    var problems: [JobProblem] = []
    func expect(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { problems.append(JobProblem(path: path, message: message())) }
    }

    expect(
      !name.isEmpty && !name.hasPrefix(".")
        && name.unicodeScalars.allSatisfy {
          $0.properties.isAlphabetic || $0.properties.numericType != nil
            || "_-.".unicodeScalars.contains($0)
        },
      "job", "'\(name)' is no name: letters, digits, '_', '-' and '.'")
    problems += source.problems()
    problems += columnProblems()
    problems += keyProblems()

    if let rows = checkpoint.chunkRows {
      expect(rows >= 1, "checkpoint.chunk_rows", "\(rows) is less than 1")
    }
    expect(!checkpoint.directory.isEmpty, "checkpoint.directory", "it is empty")
    expect(checkpoint.retention >= .zero, "checkpoint.retention", "it is negative")
    expect(checkpoint.minimumSize >= 0, "checkpoint.min_size", "it is negative")
    expect(
      (0...1).contains(errors.maximumRate), "errors.max_rate",
      "\(errors.maximumRate) is not a share of 0…1")
    expect(errors.maximumRows >= 0, "errors.max_rows", "\(errors.maximumRows) is less than 0")
    expect(retry.attempts >= 1, "retry.attempts", "\(retry.attempts) is less than 1")
    expect(retry.giveUpAfter >= 1, "retry.give_up_after", "\(retry.giveUpAfter) is less than 1")
    expect(
      retry.minimumBackoff >= .zero && retry.minimumBackoff <= retry.maximumBackoff,
      "retry.backoff", "the shortest wait is over the longest")

    let parts = sink.table.split(separator: ".", omittingEmptySubsequences: false)
    expect(
      (1...2).contains(parts.count) && parts.allSatisfy { !$0.isEmpty }, "sink.table",
      sink.table.isEmpty
        ? "the table is not named" : "'\(sink.table)' is neither 'table' nor 'schema.table'")
    if !sink.url.isEmpty {
      let scheme = sink.url.prefix { $0 != ":" }
      expect(
        scheme.count < sink.url.count && !scheme.isEmpty && scheme.allSatisfy(\.isLetter),
        "sink.url", "it has no scheme; expected sqlite:PATH or postgres://…")
    }
    if let schema = sink.stateSchema { expect(!schema.isEmpty, "sink.state_schema", "it is empty") }
    expect(sink.refresh.allSatisfy { !$0.isEmpty }, "sink.refresh", "a name is empty")
    if let alerts { problems += alerts.problems() }
    if let logging { problems += logging.problems() }
    if !problems.isEmpty { throw JobError(problems: problems) }
  }

  private func columnProblems() -> [JobProblem] {
    guard let columns else { return [] }
    var problems: [JobProblem] = []
    if columns.isEmpty {
      problems.append(
        JobProblem(path: "columns", message: "there are none; leave it out to load all"))
    }
    // Databases do not tell names apart by case.
    var names: [String: String] = [:]
    for rule in columns {
      if rule.name.isEmpty {
        problems.append(JobProblem(path: "columns", message: "a column has no name"))
      }
      if let earlier = names.updateValue(rule.name, forKey: rule.name.lowercased()) {
        problems.append(
          JobProblem(
            path: "columns[\(rule.name)].name",
            message: earlier == rule.name
              ? "two columns are named '\(rule.name)'"
              : "'\(earlier)' and '\(rule.name)' differ only by case"))
      }
      do {
        _ = try ColumnPlan(rule, source: source)
      } catch {
        // What is wrong with the source was reported once already.
        guard !error.key.hasPrefix("source.") else { continue }
        problems.append(
          JobProblem(path: error.path(inColumn: rule.name), message: error.message))
      }
    }
    if columns.filter({ $0.origin == .remainder }).count > 1 {
      problems.append(
        JobProblem(path: "columns", message: "two columns hold what no other column takes"))
    }
    var ruleNames = Set<String>()
    for rule in rules {
      if rule.name.isEmpty {
        problems.append(JobProblem(path: "rules", message: "a rule has no name"))
      }
      if !ruleNames.insert(rule.name).inserted {
        problems.append(
          JobProblem(
            path: "rules[\(rule.name)].name", message: "two rules are named '\(rule.name)'"))
      }
      do {
        _ = try RowComparison(rule, columns: columns.map { ($0.name, $0.type) })
      } catch {
        problems.append(
          JobProblem(path: "rules[\(rule.name)].\(error.key)", message: error.message))
      }
    }
    return problems
  }

  private func keyProblems() -> [JobProblem] {
    var problems: [JobProblem] = []
    switch sink.mode {
    case .upsert, .insertOnly:
      if sink.key.isEmpty {
        problems.append(
          JobProblem(
            path: "sink.key", message: "mode \(sink.mode.rawValue) needs the columns of a key"))
      }
    case .append:
      if !sink.key.isEmpty {
        problems.append(
          JobProblem(
            path: "sink.key",
            message:
              "mode append inserts every row and takes no key; modes with one are upsert and "
              + "insert_only"))
      }
    case .replace: break
    }
    if Set(sink.key).count < sink.key.count {
      problems.append(JobProblem(path: "sink.key", message: "it names a column twice"))
    }
    if let columns, source.extraColumns != .add {
      let names = columns.map(\.name)
      for name in sink.key where !names.contains(name) {
        problems.append(
          JobProblem(
            path: "sink.key",
            message: "no column '\(name)' is loaded" + NearestName.hint(for: name, among: names)))
      }
    }
    return problems
  }
}

extension SourceOptions {
  /// Everything that is wrong with the options.
  func problems() -> [JobProblem] {
    var problems: [JobProblem] = []
    func expect(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { problems.append(JobProblem(path: path, message: message())) }
    }
    if let delimiter {
      expect(
        (1...8).contains(delimiter.utf8.count), "source.delimiter",
        "it has \(delimiter.utf8.count) bytes; expected 1 to 8")
      expect(
        !delimiter.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }, "source.delimiter",
        "a line end or NUL cannot separate fields")
    }
    if let quote {
      let isOneMark =
        quote.utf8.count == 1
        && quote.utf8.allSatisfy {
          $0 < 0x80 && $0 > 0x20 && $0.digitValue >= 10 && ($0.asciiLowercased &- 0x61) >= 26
        }
      expect(
        isOneMark, "source.quote", "'\(quote)' is not one ASCII mark such as '\"', or none or auto")
      if isOneMark, let delimiter {
        expect(!delimiter.contains(quote), "source.quote", "it is part of the delimiter")
      }
    }
    expect(skipLines >= 0, "source.skip_lines", "\(skipLines) is less than 0")
    expect(maximumFieldBytes >= 1, "source.max_field_size", "it is less than 1 byte")
    if header == .none {
      expect(
        !names.isEmpty, "source.names", "a source without a header needs the names of its columns")
    } else {
      expect(
        names.isEmpty, "source.names",
        "names are for sources without a header; set source.header to none")
    }
    expect(Set(names).count == names.count, "source.names", "a name appears twice")
    expect(names.allSatisfy { !$0.isEmpty }, "source.names", "a name is empty")
    do {
      _ = try numberFormat()
      if let timezone { _ = try zoneRules(named: timezone) }
    } catch {
      problems.append(JobProblem(path: error.key, message: error.message))
    }
    return problems
  }
}
