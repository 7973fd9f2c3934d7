/// What an API answered.
public struct APIResponse: Sendable {
  /// The status: 200.
  public var status: Int
  /// The headers, their names in lower case.
  public var headers: APIHeaders
  /// The body; nil where there is none, or an error's is not JSON.
  public var json: JSONValue?
  /// The begin of an error's body that is not JSON.
  public var text: String

  /// Makes a response.
  public init(status: Int, headers: APIHeaders = [:], json: JSONValue? = nil, text: String = "") {
    self.status = status
    self.headers = headers
    self.json = json
    self.text = text
  }

  /// What the API says of an error: `message` as GitHub has it, `errorMessages` and `errors` as Jira
  /// does, or the begin of the text.
  public var message: String {
    if let message = json?["message"].string { return message }
    let messages = (json?["errorMessages"].elements ?? []).compactMap(\.string)
    let fields = (json?["errors"].members ?? []).compactMap { name, value in
      value.string.map { "\(name): \($0)" }
    }
    let errors = (json?["errors"].elements ?? []).compactMap { $0["message"].string ?? $0.string }
    let all = messages + fields + errors
    return all.isEmpty ? text : all.joined(separator: "; ")
  }
}

/// The headers of a response by their names in lower case.
public struct APIHeaders: Sendable, ExpressibleByDictionaryLiteral {
  private var values: [String: String] = [:]

  /// Makes headers; the first of several of one name counts.
  public init(_ headers: some Sequence<(name: String, value: String)>) {
    for (name, value) in headers {
      let name = name.lowercased()
      if values[name] == nil { values[name] = value }
    }
  }

  /// Makes headers of names and values.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(elements.map { (name: $0.0, value: $0.1) })
  }

  /// The value of a header; its name in any case.
  public subscript(name: String) -> String? { values[name.lowercased()] }
}
