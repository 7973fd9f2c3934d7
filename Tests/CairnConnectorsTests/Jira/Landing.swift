import Cairn
import Testing

@testable import CairnConnectors

/// A plain driver and sink in one, in memory: what pages say happens to dictionaries of texts. Tests of the
/// source alone hold it against the truth.
final class Landing {
  typealias Row = [String: String]

  private let source: JiraSource
  /// The rows by table and key.
  private(set) var tables: [String: [[String]: Row]] = [:]
  /// Partitions that were passed over, and why.
  private(set) var passedOver: [String: String] = [:]
  private(set) var notices: [String] = []
  private(set) var pages = 0
  private(set) var records: [String: Int] = [:]
  var limit = 10
  var context = TestContext()
  /// What happens before a page is asked for.
  var beforePage: ((PageRequest) async throws -> Void)?

  init(_ source: JiraSource) { self.source = source }

  /// Reads everything, phase by phase.
  func run(since: Int64? = nil) async throws {
    var queue = source.firstPartitions
    var known = Set(queue)
    for phase in source.phases {
      while let next = queue.firstIndex(where: { $0.phase == phase }) {
        let partition = queue.remove(at: next)
        var cursor: String?
        reading: while true {
          let request = PageRequest(
            partition: partition, cursor: cursor, since: partition.isReadWhole ? nil : since,
            limit: limit, context: context)
          try await beforePage?(request)
          let page: Page
          do {
            page = try await source.page(request)
          } catch CursorSourceError.cursorRefused {
            cursor = nil
            continue
          }
          pages += 1
          records[phase, default: 0] += page.records
          notices += page.notices
          try apply(page)
          for partition in page.discovered where known.insert(partition).inserted {
            queue.append(partition)
          }
          switch page.next {
          case .after(let after):
            try #require(after != cursor || page.records > 0, "no progress at \(after)")
            cursor = after
          case .finished: break reading
          case .passedOver(let reason):
            passedOver["\(phase) \(partition.name)"] = reason
            break reading
          case .renamed: Issue.record("nothing is renamed here")
          }
          try #require(pages < 10_000)
        }
      }
    }
  }

  private func table(_ name: String) throws -> RecordTable {
    try #require(source.tables.first { $0.name == name })
  }

  func apply(_ page: Page) throws {
    // As a sink has it: the children that the page has replace those that there are.
    for replaced in page.replacedChildren {
      let parents = Set(
        try cells(TableRows(table: "", batch: replaced.values), replaced.parent).compactMap(\.self))
      tables[replaced.table] = tables[replaced.table]?.filter {
        !parents.contains($0.value[replaced.parent] ?? "")
      }
    }
    for rows in page.rows {
      let table = try table(rows.table)
      let columns = try rows.batch.columns.map { ($0.name, try cells(rows, $0.name)) }
      for row in 0..<rows.batch.rowCount {
        var values: Row = [:]
        for (name, cells) in columns { values[name] = cells[row] }
        let key = try table.key.map { try #require(values[$0], "\(table.name) \($0)") }
        if let version = table.version, let old = tables[table.name]?[key]?[version],
          let new = values[version], new < old
        {
          continue
        }
        tables[table.name, default: [:]][key] = values
      }
    }
    for sweep in page.sweeps {
      let present = Set(sweep.present)
      let gone = (tables[sweep.table] ?? [:]).filter { _, row in
        guard sweep.scope.allSatisfy({ row[$0.key] == $0.value }),
          let number = row[sweep.column].flatMap({ Int64($0) })
        else { return false }
        return (sweep.after.map { number > $0 } ?? true)
          && (sweep.through.map { number <= $0 } ?? true) && !present.contains(number)
      }
      for (key, row) in gone {
        tables[sweep.table]?[key] = nil
        for child in source.tables where child.parent?.table == sweep.table {
          tables[child.name] = tables[child.name]?.filter { _, childRow in
            child.parent?.columns.allSatisfy { row[$0.key] == childRow[$0.value] } == false
          }
        }
      }
    }
  }
}

/// What the Jira stand-in says that the tables should hold, in the columns that it knows of.
struct JiraTruth {
  /// By table, then by key.
  let tables: [String: [[String]: Landing.Row]]

  /// - Parameter deployment: Cloud and Data Center know people by different ids.
  init(_ truth: JSONValue, _ deployment: JiraDeployment) throws {
    let all = truth["tables"]
    var people: [String: String] = [:]
    var names: [String: String] = [:]
    for user in all["users"].elements {
      let id = try #require(user["accountId"].string)
      people[id] = deployment == .cloud ? id : user["key"].string
      names[id] = user["displayName"].string
    }
    func person(_ value: JSONValue) -> String? { value.string.flatMap { people[$0] } }
    func name(_ value: JSONValue) -> String? { value.string.flatMap { names[$0] } }
    func text(_ value: JSONValue) -> String? {
      value.string ?? value.double.map { "\($0)" } ?? value.boolean.map { "\($0)" }
    }
    // A second's fraction is written as short as possible.
    func instant(_ value: JSONValue) -> String? {
      value.string.flatMap { Instant($0) }.map { "\($0)" }
    }
    var tables: [String: [[String]: Landing.Row]] = [:]
    func add(_ table: String, _ key: [String], _ row: [String: String?]) {
      tables[table, default: [:]][key] = row.compactMapValues { $0 }
    }
    var projects: [String: String] = [:]
    for project in all["projects"].elements {
      let id = try #require(project["id"].string)
      projects[try #require(project["key"].string)] = id
      add(
        "jira_projects", [id],
        [
          "id": id, "key": project["key"].string, "name": project["name"].string,
          "project_type": project["projectTypeKey"].string, "lead_id": person(project["lead"]),
          "lead_name": name(project["lead"]),
        ])
    }
    for issue in all["issues"].elements {
      let id = try #require(issue["id"].string)
      let key = try #require(issue["key"].string)
      let project = try #require(issue["project"].string)
      add(
        "jira_issues", [id],
        [
          "id": id, "key": key, "number": String(try #require(key.split(separator: "-").last)),
          "project_key": project, "project_id": projects[project],
          "summary": issue["summary"].string, "description": issue["description"].string,
          "issue_type": issue["issuetype"].string, "status": issue["status"].string,
          "priority": issue["priority"].string, "assignee_id": person(issue["assignee"]),
          "assignee_name": name(issue["assignee"]), "reporter_id": person(issue["reporter"]),
          "labels": "["
            + issue["labels"].elements.compactMap { $0.string.map(JSONText.quoted) }
            .joined(separator: ",") + "]",
          "created": instant(issue["created"]), "updated": instant(issue["updated"]),
          "resolved": instant(issue["resolutiondate"]), "parent_id": issue["parent"].string,
          "customfield_10016": text(issue["storyPoints"]),
        ])
    }
    for history in all["changelogs"].elements {
      let id = try #require(history["id"].string)
      let issue = try #require(history["issue"].string)
      for (position, item) in history["items"].elements.enumerated() {
        add(
          "jira_changelog", [issue, id, "\(position)"],
          [
            "issue_id": issue, "history_id": id, "item": "\(position)",
            "created": instant(history["created"]), "author_id": person(history["author"]),
            "field": item["field"].string, "from_value": item["from"].string,
            "from_text": item["fromString"].string, "to_value": item["to"].string,
            "to_text": item["toString"].string,
          ])
      }
    }
    for worklog in all["worklogs"].elements {
      let id = try #require(worklog["id"].string)
      let issue = try #require(worklog["issue"].string)
      add(
        "jira_worklogs", [issue, id],
        [
          "issue_id": issue, "id": id, "author_id": person(worklog["author"]),
          "created": instant(worklog["created"]), "updated": instant(worklog["updated"]),
          "started": instant(worklog["started"]),
          "time_spent_seconds": worklog["timeSpentSeconds"].text,
          "comment": worklog["comment"].string,
        ])
    }
    for item in all["development"].elements {
      let issue = try #require(item["issue"].string)
      let type = try #require(item["type"].string)
      let url = try #require(item["url"].string)
      add(
        "jira_dev_status", [issue, type, url],
        [
          "issue_id": issue, "type": type, "url": url, "id": item["id"].string,
          "repository": item["repository"].string,
          "updated": instant(item["lastUpdate"]),
        ])
    }
    for user in all["users"].elements {
      let id = try #require(user["accountId"].string)
      add(
        "jira_users", [try #require(people[id])],
        [
          "id": people[id], "display_name": user["displayName"].string,
          "email_address": user["emailAddress"].string, "is_active": text(user["active"]),
          "time_zone": user["timeZone"].string,
        ])
    }
    self.tables = tables
  }

  /// How a target differs from the truth, in the columns that the truth has; empty if it does not.
  func differences(
    from landed: [String: [[String]: Landing.Row]], in names: [String]? = nil
  ) -> [String] {
    var found: [String] = []
    for name in names ?? tables.keys.sorted() {
      let expected = tables[name] ?? [:]
      let actual = landed[name] ?? [:]
      let columns = Set(expected.values.flatMap(\.keys))
      for key in Set(expected.keys).union(actual.keys).sorted(by: { $0.joined() < $1.joined() }) {
        guard let right = expected[key] else {
          found.append("\(name) \(key) is too many")
          continue
        }
        guard let row = actual[key] else {
          found.append("\(name) \(key) is missing")
          continue
        }
        for column in columns.sorted() where right[column] != row[column] {
          found.append(
            "\(name) \(key) \(column): \(row[column] ?? "null") instead of "
              + "\(right[column] ?? "null")")
        }
      }
    }
    return found
  }
}

extension Standin {
  /// A small Jira.
  static func jira(
    seed: Int = 7, projects: Int = 3, issues: Int = 40, _ more: [String] = []
  ) async throws -> Standin {
    try await Standin(
      "jira_standin.py",
      ["--seed", "\(seed)", "--projects", "\(projects)", "--issues", "\(issues)"] + more)
  }

  /// A source that reads it.
  func source(
    _ deployment: JiraDeployment, _ change: (inout JiraOptions) -> Void = { _ in },
    credentials: APICredentials = .basic(user: "bot@example.com", password: Secret("test-token")),
    clock: MovedClock? = nil
  ) throws -> JiraSource {
    var options = JiraOptions(deployment: deployment, sweepsDeletions: true)
    change(&options)
    return JiraSource(
      address: try APIAddress(url), credentials: credentials, options: options,
      environment: CursorSourceEnvironment(
        run: clock?.environment ?? .live,
        retry: RetryPolicy(attempts: 3, minimumBackoff: .milliseconds(1))))
  }

  /// How the target differs from what the server holds now.
  func differences(
    _ landing: Landing, _ deployment: JiraDeployment, in names: [String]? = nil
  ) async throws -> [String] {
    try JiraTruth(try await told("truth?accessible=true"), deployment)
      .differences(from: landing.tables, in: names)
  }
}
