internal import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of figures in Prometheus's text format, for node_exporter's textfile collector.
///
/// The file appears whole, by rename. Counters go on from what the file says: a command that ends and
/// starts again does not set them back, and several processes may add to one file.
public final class PrometheusFile: Sendable {
  /// The file, absolute.
  public let path: String
  private let metrics: PrometheusMetrics
  /// What of the figures is in the file already.
  private let written = Mutex<[String: MetricFamily]>([:])

  /// Writes nothing yet.
  public init(path: String, metrics: PrometheusMetrics) {
    self.path = FilePaths.absolute(path)
    self.metrics = metrics
  }

  /// Adds what came since the last call to the file.
  ///
  /// A file that is no such text is replaced.
  ///
  /// - Throws: ``FileError``.
  public func write() async throws {
    // The disk may block: not on the cooperative pool.
    try await Task(executorPreference: WorkerExecutor.shared) { try self.writeNow() }.value
  }

  func writeNow() throws(FileError) {
    // One at a time in this process, too: what is written is known only afterwards.
    let failure: FileError? = written.withLock { written in
      do throws(FileError) {
        let current = metrics.snapshot()
        let lock = try MetricFileLock(beside: path)
        defer { lock.release() }
        var families = Dictionary(
          (read() ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for family in current {
          let added = family.since(written[family.name])
          if var known = families[family.name], known.kind == family.kind {
            known.merge(added)
            families[family.name] = known
          } else {
            families[family.name] = added
          }
        }
        try replace(MetricText.render(families.values.sorted { $0.name < $1.name }))
        written = Dictionary(
          current.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  private func read() -> [MetricFamily]? {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return nil }
    return MetricText.parse(String(decoding: data, as: UTF8.self))
  }

  private func replace(_ text: String) throws(FileError) {
    // The collector reads names that end in `.prom`.
    let (aside, descriptor) = try DurableFile.createAside(path + ".", mode: 0o644)
    do throws(FileError) {
      try Self.fill(descriptor, with: text, path: aside)
      try DurableFile.rename(aside, to: path)
    } catch {
      unlink(aside)
      throw error
    }
    sweep()
  }

  /// Deletes what processes that were killed amid this left behind: by its age, since which process of
  /// which host it was nobody knows.
  private func sweep() {
    let folder = FilePaths.parent(of: path)
    let prefix = FilePaths.name(of: path) + "."
    let limit = Int64(Date().timeIntervalSince1970 * 1e9) - 3_600_000_000_000
    for name in ChunkFiles.names(folder) where DurableFile.isAside(name, prefix) {
      let path = FilePaths.join(folder, name)
      if DurableFile.modificationTime(path) < limit { try? DurableFile.delete(path) }
    }
  }

  private static func fill(
    _ descriptor: Int32, with text: String, path: String
  ) throws(FileError) {
    defer { close(descriptor) }
    let failure: FileError? = Array(text.utf8).withUnsafeBytes { bytes in
      do throws(FileError) {
        try DurableFile.write(bytes, to: descriptor, path: path)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}

/// Keeps two processes from writing one file of figures at once.
private struct MetricFileLock {
  private let descriptor: Int32

  init(beside path: String) throws(FileError) {
    let lockPath = FilePaths.join(
      FilePaths.parent(of: path), ".\(FilePaths.name(of: path)).lock")
    descriptor = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw FileError("create", lockPath) }
    // A process that is stopped with the lock must not stop the others: they write without.
    for attempt in 0..<500 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
      usleep(attempt < 20 ? 100 : 2_000)
    }
  }

  func release() { close(descriptor) }
}
