public import Cairn

extension JiraSource {
  /// What `type: jira` means in a job file.
  public static let jobType = CursorJobType(
    name: "jira",
    keys: [
      "url", "email", "token", "token_file", "deployment", "projects", "jql", "issue_fields",
      "changelog", "worklogs", "dev_status", "users", "recovery", "dates",
    ]
  ) { section, settings in
    section.require("url")
    let url = section.expandedText("url")
    var address: APIAddress?
    if let url {
      do throws(APIAddressError) {
        address = try APIAddress(url)
      } catch {
        section.report("url", "\(error)")
      }
    }
    let credentials = credentials(section)
    var options = JiraOptions(
      keepsJSON: settings.keepsJSON, sweepsDeletions: settings.sweepsDeletions)
    options.deployment = section.choice("deployment", as: JiraDeployment.self)
    options.projects = section.texts("projects") ?? options.projects
    options.filter = section.text("jql")
    options.fields = section.texts("issue_fields") ?? options.fields
    options.readsChangelog = section.flag("changelog") ?? options.readsChangelog
    options.readsWorklogs = section.flag("worklogs") ?? options.readsWorklogs
    options.development =
      section.choice("dev_status", as: JiraOptions.Development.self) ?? options.development
    options.readsUsers = section.flag("users") ?? options.readsUsers
    options.recovery = section.choice("recovery", as: JobRecovery.self) ?? options.recovery
    options.dates = section.choice("dates", as: JiraDates.self) ?? options.dates
    if let filter = options.filter, Self.hasOrder(filter) {
      section.report("jql", "leave ORDER BY out: issues are read in the order of their keys")
      return nil
    }
    for key in options.projects where key.isEmpty || key.contains(where: \.isWhitespace) {
      section.report("projects", "'\(key)' is not a project's key; expected something like ABC")
      return nil
    }
    guard let address, let credentials else { return nil }
    return { [options] environment in
      JiraSource(
        address: address, credentials: credentials, options: options, environment: environment)
    }
  }

  private static func credentials(_ section: YAMLSection) -> APICredentials? {
    let isTokenGiven = section.has("token") || section.has("token_file")
    guard isTokenGiven else {
      if section.has("email") {
        section.report("email", "an e-mail address needs a token: add token or token_file")
        return nil
      }
      return .anonymous
    }
    guard let token = section.token() else { return nil }
    guard section.has("email") else { return .bearer(token) }
    guard let email = section.expandedText("email") else { return nil }
    guard !email.contains(":") else {
      section.report("email", "a name with a colon cannot be sent with a token")
      return nil
    }
    return .basic(user: email, password: token)
  }

  /// Whether a query ends with an order of its own. Words in quotation marks do not count.
  static func hasOrder(_ filter: String) -> Bool {
    var words: [String] = []
    var word = ""
    var quote: Unicode.Scalar?
    var isEscaped = false
    // Jira knows no characters that are made of several.
    for character in filter.unicodeScalars {
      if let open = quote {
        if isEscaped {
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == open {
          quote = nil
        }
        continue
      }
      if character == "\"" || character == "'" { quote = character }
      if character.properties.isAlphabetic {
        word.unicodeScalars.append(character)
      } else if !word.isEmpty {
        words.append(word.lowercased())
        word = ""
      }
    }
    words.append(word.lowercased())
    return zip(words, words.dropFirst()).contains { $0 == "order" && $1 == "by" }
  }
}
