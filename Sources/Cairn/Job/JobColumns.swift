extension Job {
  /// The columns to load from a source, when the job names its columns: as
  /// `source.extra_columns` says completed by those it does not name, and with key columns
  /// required.
  ///
  /// - Returns: Nil when the job names no columns, so that ``TypeInference`` decides.
  /// - Throws: ``TransformError`` when the source lacks a column, or has one too many.
  public func resolveColumns(
    for layout: SourceLayout
  ) throws(TransformError) -> [ColumnRule]? {
    guard var rules = columns else { return nil }
    try rules.checkSources(in: layout)
    let named = rules.namedSourceColumns
    let extra = layout.columns.filter { !named.contains($0) }
    if !extra.isEmpty {
      switch source.extraColumns {
      case .ignore: break
      case .error: throw .extraColumns(extra)
      case .add:
        let taken = Set(rules.map(\.name))
        if let clash = extra.first(where: { taken.contains($0) }) {
          throw .badRule(
            path: "source.extra_columns",
            message:
              "the source's column '\(clash)' cannot be added: the job makes a column of that "
              + "name from something else")
        }
        rules += extra.map { ColumnRule(name: $0, type: .text) }
      case .json: break
      }
    }
    if source.extraColumns == .json, !rules.contains(where: { $0.origin == .remainder }) {
      guard !rules.contains(where: { $0.name == "extra" }) else {
        throw .badRule(
          path: "source.extra_columns",
          message: "the column 'extra' is there already; give one column 'remainder: true'")
      }
      rules.append(ColumnRule(name: "extra", type: .json, origin: .remainder))
    }
    return rules.requiring(sink.key)
  }
}

extension [ColumnRule] {
  /// The rules with the key's columns required.
  public func requiring(_ key: [String]) -> [ColumnRule] {
    map { rule in
      var rule = rule
      if key.contains(rule.name) { rule.required = true }
      return rule
    }
  }
}
