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
    if let fields, named.isSubset(of: fields.keys) { return fields }
    var found: [String: CustomField] = [:]
    for field in try await api.json("/field", context: context).elements {
      guard let id = field["id"].string, CustomField.isOne(id) else { continue }
      found[id] = CustomField(schema: field["schema"])
    }
    // One that Jira does not tell of stays as it is, and is not asked for again.
    for name in named where found[name] == nil { found[name] = CustomField(schema: .missing) }
    fields = found
    return found
  }
}
