import Foundation

@testable import CairnConnectors

/// The pages that a stand-in has answered more than once: what was asked for again after kills.
struct RepeatedPages {
  struct Page {
    var name: String
    /// Whose page it is: of a repository's pull requests, of a project's issues.
    var partition: String
    /// How often it was answered.
    var times: Int
  }

  let pages: [Page]

  /// The pages of lists; what is nested in them comes with them.
  static func gitHub(_ gitHub: Standin) async throws -> RepeatedPages {
    let counts = try await gitHub.told("counts")["pages"].members
    return RepeatedPages(
      counts.filter { !$0.name.contains("#") }.map { name, times in
        let partition = name.components(separatedBy: " after=").first ?? name
        return Page(name: name, partition: partition, times: Int(times.integer ?? 0))
      })
  }

  /// The searches for issues.
  static func jira(_ jira: Standin) async throws -> RepeatedPages {
    let repeated = try await jira.told("counts")["repeated"].elements
    return RepeatedPages(
      repeated.compactMap { one in
        guard let name = one["page"].string, name.contains(" search ") else { return nil }
        return Page(
          name: name, partition: one["partition"].string ?? "",
          times: Int(one["times"].integer ?? 0))
      })
  }

  private init(_ pages: [Page]) { self.pages = pages.filter { $0.times > 1 } }

  /// What of it is more than a page of each partition that a kill found in flight.
  ///
  /// - Parameter atOnce: How many partitions may be in flight.
  func problems(kills: Int, atOnce: Int) -> [String] {
    var problems: [String] = []
    for (partition, pages) in Dictionary(grouping: pages, by: \.partition) {
      let again = pages.reduce(0) { $0 + $1.times - 1 }
      guard again > kills else { continue }
      problems.append("\(partition): \(again) pages again after \(kills): \(pages.map(\.name))")
    }
    let all = pages.reduce(0) { $0 + $1.times - 1 }
    if all > kills * atOnce { problems.append("\(all) pages again: \(pages.map(\.name))") }
    return problems.sorted()
  }
}
