import Testing

@testable import CairnConnectors

@Suite struct PageSizesTests {
  @Test func shrinkAndGrowBack() {
    let sizes = PageSizes()
    var seen: [Int] = []
    for _ in 0..<4 {
      let size = sizes.size(of: "a", limit: 50)
      seen.append(size)
      sizes.failed("a", size: size)
    }
    #expect(seen == [50, 16, 5, 1])
    #expect(sizes.size(of: "b", limit: 20) == 20)
    seen = []
    for _ in 0..<60 {
      sizes.succeeded("a", limit: 50)
      seen.append(sizes.size(of: "a", limit: 50))
    }
    #expect(seen == seen.sorted())
    #expect(seen.first == 1 && seen.last == 50)
  }

  @Test func patternsMatch() {
    let matches = { (text: String, pattern: String) in
      GitHubOptions.matches(text[...], pattern[...])
    }
    #expect(matches("octo/a", "octo/a"))
    #expect(matches("octo/site-a", "octo/*"))
    #expect(matches("octo/a-site", "*-site"))
    #expect(matches("octo/a-b-c", "*a*b*c"))
    #expect(!matches("octo/a", "octo/b*"))
    #expect(!matches("aba", "ab*ba"))
  }
}
