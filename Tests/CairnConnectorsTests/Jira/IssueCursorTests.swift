import Testing

@testable import CairnConnectors

@Suite struct IssueCursorTests {
  private func anchors(_ numbers: ClosedRange<Int>) -> [IssueCursor.Anchor] {
    numbers.map { .init(key: "P-\($0)", id: Int64(10_000 + $0)) }
  }

  @Test func remembersTheLastIssuesFirst() throws {
    let cursor = try #require(IssueCursor(after: anchors(1...100), previous: nil, offset: 100))
    #expect(cursor.anchors.map(\.key) == ["P-100", "P-99", "P-51"])
    let next = try #require(IssueCursor(after: anchors(101...200), previous: cursor, offset: 200))
    #expect(next.anchors.map(\.key) == ["P-200", "P-199", "P-151", "P-100"])
  }

  @Test func anEmptyPageKeepsWhatWasKnown() throws {
    #expect(IssueCursor(after: [], previous: nil, offset: 0) == nil)
    let cursor = try #require(IssueCursor(after: anchors(1...1), previous: nil, offset: 1))
    #expect(cursor.anchors.map(\.key) == ["P-1"])
    let next = try #require(IssueCursor(after: [], previous: cursor, offset: 7))
    #expect(next.anchors == cursor.anchors)
    #expect(next.offset == 7)
  }

  @Test func isATextThatIsReadBack() throws {
    let cursor = try #require(
      IssueCursor(after: [.init(key: "A\"B-1", id: 5)], previous: nil, offset: 3))
    #expect(cursor.text == #"{"offset":3,"after":[["A\"B-1",5]]}"#)
    #expect(IssueCursor(text: cursor.text) == cursor)
  }

  @Test(arguments: [
    "", "100", "{}", #"{"offset":1}"#, #"{"offset":1,"after":[]}"#,
    #"{"offset":-1,"after":[["P-1",1]]}"#, #"{"offset":1,"after":[["P-1"]]}"#,
    #"{"offset":1,"after":[["P-1","x"]]}"#, #"{"offset":1,"after":[["P-1",1],[2,2]]}"#,
  ])
  func refusesOtherTexts(_ text: String) {
    #expect(IssueCursor(text: text) == nil)
  }
}
