/// Which of the two kinds of Jira it is.
public enum JiraDeployment: String, Sendable, Hashable, CaseIterable {
  /// Jira Cloud: REST v3, `/rest/api/3/search/jql`.
  case cloud
  /// Jira Data Center, or Server: REST v2, `/rest/api/2/search`.
  case dataCenter = "data_center"

  /// What it probably is, by its address: Cloud's are below `atlassian.net` and `api.atlassian.com`.
  public init(of address: APIAddress) {
    let host = address.origin.split(separator: "/").last.map(String.init) ?? ""
    let name = host.split(separator: ":").first.map(String.init) ?? ""
    let isCloud =
      name.hasSuffix(".atlassian.net") || name == "api.atlassian.com"
      || name.hasSuffix(".jira.com") || name.hasSuffix(".atlassian-us-gov-mod.net")
    self = isCloud ? .cloud : .dataCenter
  }

  /// Where its API begins.
  var path: String {
    switch self {
    case .cloud: "/rest/api/3"
    case .dataCenter: "/rest/api/2"
    }
  }
}
