/// The job that a source's first rows suggest.
public struct JobSuggestion: Sendable, Hashable {
  /// The job, with its delimiter, quoting and columns written out.
  public var job: Job
  /// Why each column has its type, a sentence each.
  public var reasons: [String]

  /// Looks at a source's first rows.
  ///
  /// - Parameters:
  ///   - job: What is known of the job already.
  ///   - source: The source.
  /// - Throws: ``SourceError``.
  public static func suggest(_ job: Job, from source: any Source) async throws -> JobSuggestion {
    let layout = try await source.resolve()
    let reader = try await source.open(layout, at: .start, limits: ChunkLimits())
    var job = job
    if let text = layout.text {
      job.source.delimiter = String(decoding: text.delimiter, as: UTF8.self)
      job.source.quote = text.quote.map { String(UnicodeScalar($0)) }
      job.source.detectsQuote = false
    }
    guard let first = try await reader.next()?.parse() else {
      job.columns = layout.columns.map { ColumnRule(name: $0, type: .text) }
      return JobSuggestion(job: job, reasons: ["there are no rows; every column is taken for text"])
    }
    let inferred = TypeInference.infer(from: first, source: job.source, key: job.sink.key)
    job.columns = inferred.rules
    return JobSuggestion(
      job: job,
      reasons: inferred.columns.map { "\($0.rule.name): \($0.rule.type), \($0.reason)" })
  }
}
