/// Where the issues of a project were read up to: the last issues before it, by which the next page
/// proves that it begins at the right place.
///
/// Jira's own marks are not relied on. An offset (`startAt`) skips an issue when one before it was
/// deleted or moved meanwhile; a `nextPageToken` expires, and may hold an offset. A query for keys
/// `>= "P-12"` is refused by Data Center when P-12 is gone, and answered with nothing at all by Cloud. So
/// each page asks for the last known issue again, and only where that is the answer's begin (or one of
/// the issues before it is) do the rows after it follow on.
struct IssueCursor: Sendable, Hashable {
  /// An issue that was read.
  struct Anchor: Sendable, Hashable {
    var key: String
    var id: Int64
  }

  /// Issues that were read, the last one first; never empty.
  private(set) var anchors: [Anchor]
  /// How many issues were before the next one when it was read; of use where there are offsets.
  var offset: Int

  /// How many issues are remembered.
  private static let most = 4

  /// A cursor after some issues of a page.
  ///
  /// - Parameters:
  ///   - read: The issues of the page, in their order; nil is returned when there are none and none
  ///     before.
  ///   - previous: The cursor before them.
  init?(after read: [Anchor], previous: IssueCursor?, offset: Int) {
    // The last two, one from the middle, and where the page before ended: whoever deletes one issue often
    // deletes its neighbours too.
    var anchors: [Anchor] = []
    for anchor in [read.last, read.dropLast().last, read.isEmpty ? nil : read[read.count / 2]] {
      if let anchor, !anchors.contains(anchor) { anchors.append(anchor) }
    }
    for anchor in previous?.anchors ?? []
    where anchors.count < Self.most && !anchors.contains(anchor) {
      anchors.append(anchor)
    }
    guard !anchors.isEmpty else { return nil }
    self.anchors = anchors
    self.offset = offset
  }

  /// The cursor as a text: `{"offset":100,"after":[["P-100",10123],["P-99",10122]]}`.
  var text: String {
    let list = anchors.map { "[\(JSONText.quoted($0.key)),\($0.id)]" }.joined(separator: ",")
    return "{\"offset\":\(offset),\"after\":[\(list)]}"
  }

  /// Reads a cursor; nil when the text is none.
  init?(text: String) {
    guard let value = try? JSONValue(parsing: Array(text.utf8)),
      let offset = value["offset"].integer, offset >= 0
    else { return nil }
    let list = value["after"].elements
    let anchors = list.compactMap { pair -> Anchor? in
      guard pair.elements.count == 2, let key = pair.elements[0].string,
        let id = pair.elements[1].integer
      else { return nil }
      return Anchor(key: key, id: id)
    }
    guard !anchors.isEmpty, anchors.count == list.count else { return nil }
    self.anchors = anchors
    self.offset = Int(offset)
  }
}

/// An issue's key: `ABC-123`.
struct IssueKey: Sendable, Hashable {
  /// The project's key.
  var project: String
  /// The number in it.
  var number: Int64

  /// Reads a key; nil when the text is none.
  init?(_ text: String) {
    guard let dash = text.lastIndex(of: "-"), dash != text.startIndex,
      let number = Int64(text[text.index(after: dash)...]), number > 0
    else { return nil }
    project = String(text[..<dash])
    self.number = number
  }
}
