import CairnConnectors
import Testing

@Suite struct SecretTests {
  @Test func isShownByNothing() throws {
    let word = "ghp_a1b2c3"
    let app = GitHubApp(
      id: "7", installation: 9, privateKey: Secret(word),
      address: try APIAddress("https://api.github.com"))
    let all: [APICredentials] = [
      .bearer(Secret(word)), .basic(user: "me", password: Secret(word)), .gitHubApp(app),
    ]
    var dumped = ""
    dump(all, to: &dumped)
    let shown =
      "\(all)" + String(reflecting: all) + dumped
      + String(describing: Mirror(reflecting: Secret(word)).children.map(\.value))
    #expect(!shown.contains(word))
    #expect(shown.contains("•••"))
  }
}
