import Cairn

/// The kinds of sources that job files may name.
enum CursorJobTypes {
  static let all: [CursorJobType] = []
}
