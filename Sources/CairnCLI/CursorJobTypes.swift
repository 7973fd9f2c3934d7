import Cairn
import CairnConnectors

/// The kinds of sources that job files may name.
enum CursorJobTypes {
  static let all: [CursorJobType] = [GitHubSource.jobType, JiraSource.jobType]
}
