internal import Cairn

/// The fields that Jira says it has, asked for once and again when an issue has one that is not known.
actor FieldCatalog {
  private let api: JiraAPI
  private var fields: [String: CustomField]?

  init(api: JiraAPI) { self.api = api }

  /// The custom fields by their ids.
  ///
  /// - Parameter named: Fields that issues have. If one of them is not known, Jira is asked again: it may
  ///   be new.
  func customFields(
    named: Set<String>, _ context: any PageContext
  ) async throws -> [String: CustomField] {
    let known = fields.map { Set($0.keys) }
    if known.map({ !named.isSubset(of: $0) }) ?? true { _ = try await list(context) }
    // One that Jira does not tell of stays as it is, and is not asked for again.
    var found = fields ?? [:]
    for name in named where found[name] == nil { found[name] = CustomField(schema: .missing) }
    fields = found
    return found
  }

  /// All fields, as Jira describes them now.
  func list(_ context: any PageContext) async throws -> [JSONValue] {
    let answer = try await api.json("/field", context: context)
    guard answer.isArray else {
      throw CursorSourceError.transient("Jira's answer is not the list of fields")
    }
    // Fields that it does not tell of are kept: they would be asked for with every page otherwise.
    var known = fields ?? [:]
    for field in answer.elements {
      guard let id = field["id"].string, CustomField.isOne(id) else { continue }
      known[id] = CustomField(schema: field["schema"])
    }
    fields = known
    return answer.elements
  }
}
