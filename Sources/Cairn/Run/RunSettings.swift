#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Everything that was resolved when a run began, pinned so that a resume derives nothing again.
public struct RunSettings: Sendable, Hashable, Codable {
  /// The version of the form.
  public var format = 1
  /// The job as it was given, without secrets.
  public var job: Job
  /// Layout of the source.
  public var layout: SourceLayout
  /// The columns to load, inferred ones included.
  public var columns: [ColumnRule]
  /// Whether the columns' types were inferred.
  public var areInferred: Bool
  /// When a chunk ends.
  public var limits: ChunkLimits
  /// The target.
  public var target: TargetTable
  /// Whether chunk files are written.
  public var usesChunkFiles: Bool
  /// The job file, absolute.
  public var jobFile: String?

  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  init(
    job: Job, layout: SourceLayout, columns: [ColumnRule], areInferred: Bool, limits: ChunkLimits,
    target: TargetTable, usesChunkFiles: Bool, jobFile: String?
  ) {
    self.job = job
    self.layout = layout
    self.columns = columns
    self.areInferred = areInferred
    self.limits = limits
    self.target = target
    self.usesChunkFiles = usesChunkFiles
    self.jobFile = jobFile
  }

  init(text: String, of run: SyncID) throws(LoadError) {
    do {
      self = try JSONDecoder().decode(RunSettings.self, from: Data(text.utf8))
    } catch {
      throw .unreadableRun(run, detail: "its settings cannot be read: \(error)")
    }
    guard format == 1 else {
      throw .unreadableRun(run, detail: "its settings have format \(format); this cairn knows 1")
    }
  }
}

extension RunSettings {
  /// A job with what the run has detected or inferred written out, where both leave it open.
  private func writtenOut(_ job: Job) -> Job {
    var written = job
    let own = self.job.source
    if let text = layout.text {
      if job.source.delimiter == nil, own.delimiter == nil {
        written.source.delimiter = String(decoding: text.delimiter, as: UTF8.self)
      }
      if job.source.detectsQuote, own.detectsQuote {
        written.source.quote = text.quote.map { String(UnicodeScalar($0)) }
        written.source.detectsQuote = false
      }
    }
    if job.columns == nil, areInferred { written.columns = columns }
    return written
  }

  /// Whether a job decides as the run's own does which rows land: also one that writes out what the
  /// run has detected and inferred.
  func isRun(of job: Job) -> Bool {
    writtenOut(job).digest == writtenOut(self.job).digest
  }
}

extension RunRecord {
  /// What was resolved when the run began.
  ///
  /// - Throws: ``LoadError/unreadableRun(_:detail:)``.
  public func settings() throws(LoadError) -> RunSettings {
    try RunSettings(text: new.resolved, of: syncID)
  }

  /// Whether a job decides as the run's own does which rows land; see ``RunSettings/isRun(of:)``.
  ///
  /// - Throws: ``LoadError/unreadableRun(_:detail:)``.
  func isRun(of job: Job) throws(LoadError) -> Bool {
    if job.digest == new.jobDigest { return true }
    return try settings().isRun(of: job)
  }
}
