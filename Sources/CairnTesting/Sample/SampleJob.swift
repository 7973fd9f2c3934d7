/// Job files for the sample, as YAML.
public enum SampleJob {
  /// The name of the rule that the net weight is at most the gross weight.
  public static let weightRule = "net_not_above_gross"

  /// The companion job: five timestamps made of date and time, six numbers, a date, a status of
  /// four words, a rule across two columns.
  ///
  /// - Parameters:
  ///   - sink: The sink's URL, for example `sqlite:transport.db`.
  ///   - table: The target table.
  ///   - mode: `upsert`, `append`, `insert_only` or `replace`.
  public static func typed(
    sink: String, table: String = "transport_documents", mode: String = "upsert"
  ) -> String {
    yaml(
      job: "transport_documents", columns: SampleColumn.Typed.all.map(line),
      rules: [
        "  - { name: \(weightRule), check: [berat_bersih, \"<=\", berat_kotor] }"
      ], sink: sink, table: table, mode: mode)
  }

  /// A job that loads all 45 columns as text.
  public static func text(
    sink: String, table: String = "transport_documents", mode: String = "upsert"
  ) -> String {
    yaml(
      job: "transport_documents_text",
      columns: SampleColumn.all.map { column in
        column.name == SampleColumn.key && mode != "append"
          ? "  - { name: \(column.name), type: text, required: true }"
          : "  - { name: \(column.name), type: text }"
      }, rules: [], sink: sink, table: table, mode: mode)
  }

  private static func line(_ column: SampleColumn.Typed) -> String {
    switch column.content {
    case .text(.key):
      return "  - { name: \(column.name), type: text, required: true }"
    case .text(.status):
      return "  - { name: \(column.name), type: text, one_of: [A, B, C, X] }"
    case .text:
      return "  - { name: \(column.name), type: text }"
    case .day:
      return """
          - { name: \(column.name), type: date, format: "yyyyMMdd", nulls: ["00000000"] }
        """
    case .moment(let day, let time):
      return """
          - name: \(column.name)
            type: timestamp
            from: [\(day.name), \(time.name)]
            format: "yyyyMMdd HHmmss"
            nulls: ["00000000 000000"]
        """
    case .number(_, let scale):
      return "  - { name: \(column.name), type: \"numeric(18,\(scale))\" }"
    }
  }

  private static func yaml(
    job: String, columns: [String], rules: [String], sink: String, table: String, mode: String
  ) -> String {
    var lines = [
      "job: \(job)", "source:", "  delimiter: \"~^\"", "  header: normalize", "columns:",
    ]
    lines += columns
    if !rules.isEmpty { lines += ["rules:"] + rules }
    // A big sample has more bad rows than the default of 10,000 allows.
    lines += ["errors:", "  max_rate: 0.10", "  max_rows: 1000000"]
    lines += ["sink:", "  url: \"\(sink)\"", "  table: \(table)"]
    if mode != "append" { lines.append("  key: [\(SampleColumn.key)]") }
    lines.append("  mode: \(mode)")
    return lines.joined(separator: "\n") + "\n"
  }
}
