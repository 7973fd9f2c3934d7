import Cairn
import Foundation
import Testing

@testable import CairnConnectors

/// What a table's rows hold, by column.
func cells(_ rows: TableRows, _ column: String) throws -> [String?] {
  let column = try #require(rows.batch.column(named: column))
  return (0..<column.rowCount).map { row in
    guard let index = column.valueIndex(atRow: row) else { return nil }
    switch column.values {
    case .text(let values): return values[index]
    case .boolean(let values): return "\(values[index])"
    case .integer(let values): return "\(values[index])"
    case .bigint(let values): return "\(values[index])"
    case .double(let values): return "\(values[index])"
    case .date(let values): return "\(LocalDate(days: values[index]))"
    case .timestamp(let values): return "\(Instant(microseconds: values[index]))"
    default: return "?"
    }
  }
}

@Suite struct IssueRowsTests {
  private func value(_ json: String) throws -> JSONValue {
    try JSONValue(parsing: Array(json.utf8))
  }

  private let issue = """
    {"id":"10007","key":"P-7","self":"https://x/rest/api/3/issue/10007","fields":{
      "project":{"id":"10000","key":"P"},"summary":"Sum","issuetype":{"id":"3","name":"Task","subtask":false},
      "status":{"id":"1","name":"Erledigt","statusCategory":{"key":"done"}},
      "priority":null,"assignee":{"accountId":"a1","displayName":"Ann"},
      "reporter":{"key":"JIRAUSER1","name":"bob","displayName":"Bob"},
      "labels":["x","y"],"components":[{"name":"API"},{"name":"Web \\"2\\""}],
      "issuelinks":[
        {"type":{"name":"Blocks"},"outwardIssue":{"id":"10008","key":"P-8"}},
        {"type":{"name":"Relates"},"inwardIssue":{"id":"10009","key":"Q-1"}}],
      "subtasks":[],"parent":{"id":"10001","key":"P-1"},
      "created":"2025-03-02T10:15:30.123-0500","updated":"2025-03-02T15:15:30.123+0000",
      "resolutiondate":null,"duedate":"2025-04-01","timespent":3600,
      "votes":{"votes":2},"watches":{"watchCount":4},
      "customfield_1":3.5,"customfield_2":"text","customfield_3":{"value":"Option"},
      "customfield_4":["a","b"],"customfield_5":null,"customfield_6":"2025-01-02T00:00:00.000+0100",
      "customfield_7":{"accountId":"a9"},"customfield_8":"not a number"}}
    """

  private let fields = [
    "customfield_1": #"{"type":"number"}"#, "customfield_2": #"{"type":"string"}"#,
    "customfield_3": #"{"type":"option"}"#, "customfield_4": #"{"type":"array","items":"string"}"#,
    "customfield_5": #"{"type":"date"}"#, "customfield_6": #"{"type":"datetime"}"#,
    "customfield_7": #"{"type":"user"}"#, "customfield_8": #"{"type":"number"}"#,
  ]

  private func rows(keepsJSON: Bool = false) throws -> IssueRows {
    IssueRows(
      JiraTables(keepsJSON: keepsJSON), keepsJSON: keepsJSON,
      fields: try fields.mapValues { CustomField(schema: try value($0)) })
  }

  @Test func anIssueIsARow() throws {
    var rows = try rows()
    rows.add(issue: try value(issue), id: 10007, key: "P-7")
    let table = try #require(try rows.rows().first)
    #expect(table.table == "jira_issues")
    let expected: [String: String?] = [
      "id": "10007", "key": "P-7", "number": "7", "project_id": "10000", "project_key": "P",
      "summary": "Sum", "description": nil, "issue_type": "Task", "is_subtask": "false",
      "status": "Erledigt", "status_category": "done", "priority": nil, "assignee_id": "a1",
      "assignee_name": "Ann", "reporter_id": "JIRAUSER1", "reporter_name": "Bob",
      "creator_id": nil, "labels": #"["x","y"]"#, "components": #"["API","Web \"2\""]"#,
      "subtasks": "[]", "fix_versions": nil, "parent_id": "10001", "parent_key": "P-1",
      "links": #"[{"type":"Blocks","direction":"outward","id":10008,"key":"P-8"},"#
        + #"{"type":"Relates","direction":"inward","id":10009,"key":"Q-1"}]"#,
      "created": "2025-03-02T15:15:30.123Z", "updated": "2025-03-02T15:15:30.123Z",
      "resolved": nil, "due": "2025-04-01", "time_spent_seconds": "3600", "votes": "2",
      "watchers": "4", "customfield_1": "3.5", "customfield_2": "text",
      "customfield_3": "Option", "customfield_4": #"["a","b"]"#, "customfield_5": nil,
      "customfield_6": "2025-01-01T23:00:00Z", "customfield_7": "a9", "customfield_8": nil,
    ]
    for (column, value) in expected {
      #expect(try cells(table, column) == [value], "\(column)")
    }
    #expect(table.batch.column(named: "raw") == nil)
    #expect(table.batch.column(named: "customfield_1")?.type == .double)
    #expect(table.batch.column(named: "customfield_5")?.type == .date)
    #expect(table.batch.column(named: "customfield_6")?.type == .timestamptz)
  }

  @Test func theJSONIsKeptAsItCame() throws {
    var rows = try rows(keepsJSON: true)
    rows.add(issue: try value(issue), id: 10007, key: "P-7")
    #expect(try cells(try #require(try rows.rows().first), "raw") == [issue])
  }

  /// A field that is not known, and one that only some issues have.
  @Test func columnsOfCustomFieldsAreAsLongAsTheOthers() throws {
    var rows = try rows()
    let other = #"{"id":"2","key":"P-2","fields":{"customfield_99":{"a":1}}}"#
    let third = #"{"id":"3","key":"P-3","fields":{"customfield_1":7}}"#
    rows.add(issue: try value(issue), id: 10007, key: "P-7")
    rows.add(issue: try value(other), id: 2, key: "P-2")
    rows.add(issue: try value(third), id: 3, key: "P-3")
    let table = try #require(try rows.rows().first)
    #expect(try cells(table, "customfield_1") == ["3.5", nil, "7.0"])
    #expect(try cells(table, "customfield_99") == [nil, #"{"a":1}"#, nil])
    #expect(table.batch.column(named: "customfield_99")?.type == .json)
    #expect(try cells(table, "project_key") == ["P", "P", "P"])
  }

  @Test func eachFieldThatChangedIsARow() throws {
    var rows = try rows()
    rows.add(
      histories: try value(
        """
        [{"id":"5","author":{"accountId":"a1","displayName":"Ann"},
          "created":"2025-03-02T10:15:30.123-0500",
          "items":[{"field":"status","fieldId":"status","fieldtype":"jira","from":"1",
                    "fromString":"Open","to":"3","toString":"Done"},
                   {"field":"resolution","fieldtype":"jira","from":null,"fromString":null,
                    "to":"1","toString":"Done"}]},
         {"id":"6","created":"2025-03-03T00:00:00.000+0000","items":[]}]
        """
      ).elements, of: 7)
    let table = try #require(try rows.rows().first)
    #expect(table.table == "jira_changelog")
    #expect(try cells(table, "issue_id") == ["7", "7"])
    #expect(try cells(table, "history_id") == ["5", "5"])
    #expect(try cells(table, "item") == ["0", "1"])
    #expect(try cells(table, "field") == ["status", "resolution"])
    #expect(try cells(table, "from_value") == ["1", nil])
    #expect(try cells(table, "to_text") == ["Done", "Done"])
    #expect(try cells(table, "author_id") == ["a1", "a1"])
    let time = "2025-03-02T15:15:30.123Z"
    #expect(try cells(table, "created") == [time, time])
  }

  /// An issue whose worklogs are all gone has none in the target either.
  @Test func issuesWithoutWorklogsAreNamedAsParents() throws {
    var rows = try rows()
    rows.add(worklogs: [], of: 8)
    rows.add(
      worklogs: try value(
        """
        [{"id":"70","author":{"name":"bob"},"created":"2025-03-02T10:15:30.123Z",
          "started":"2025-03-01T10:15:30.123Z","timeSpentSeconds":60,"comment":"done"}]
        """
      ).elements, of: 9)
    let table = try #require(try rows.rows().first)
    #expect(try cells(table, "issue_id") == ["9"])
    #expect(try cells(table, "author_id") == ["bob"])
    #expect(try cells(table, "comment") == ["done"])
    let replaced = try rows.replacedChildren()
    #expect(replaced.map(\.table) == ["jira_worklogs"])
    #expect(
      try cells(TableRows(table: "", batch: replaced[0].values), "issue_id") == ["8", "9"])
  }

  @Test func everyTableHasItsKey() {
    let tables = JiraTables(keepsJSON: true)
    for table in [
      tables.projects, tables.fields, tables.issues, tables.changelog, tables.worklogs,
      tables.development, tables.users,
    ] {
      #expect(Set(table.columns.map(\.name)).count == table.columns.count)
      for key in table.key {
        #expect(table.columns.first { $0.name == key }?.isRequired == true, "\(table.name) \(key)")
      }
    }
    #expect(tables.issues.version == "updated")
    #expect(tables.worklogs.parent?.columns == ["id": "issue_id"])
  }
}
