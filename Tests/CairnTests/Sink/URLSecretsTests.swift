import Testing

@testable import Cairn

struct URLSecretsTests {
  @Test(
    "what is secret is left out, and nothing else",
    arguments: [
      ("postgres://loader:s3cret@db:5432/x", "postgres://loader@db:5432/x"),
      ("postgres://loader:a:b@db/x?sslmode=require", "postgres://loader@db/x?sslmode=require"),
      ("postgres://loader:a@b@db/x", "postgres://loader@db/x"),
      // It should have been encoded, but it is a password all the same.
      ("postgres://loader:a/b@db/x", "postgres://loader@db/x"),
      ("postgres://loader:a?b=c/d@db/x", "postgres://loader@db/x"),
      ("postgres://loader@db:5432/x", "postgres://loader@db:5432/x"),
      ("postgres://db:5432/x?user=a&password=b", "postgres://db:5432/x?user=a"),
      ("postgres://db/x?password=b", "postgres://db/x"),
      ("postgres://db/x?PASSWORD=b&sslpassword=c&a=d", "postgres://db/x?a=d"),
      ("postgres:///x?host=/run/a@b", "postgres:///x?host=/run/a@b"),
      ("postgres://db:5432/x?user=a@b", "postgres://db:5432/x?user=a@b"),
      ("postgres://[::1]:5432/x", "postgres://[::1]:5432/x"),
      ("host=db password=b user=a", "host=db  user=a"),
      (#"password = 'it\'s' user=a"#, " user=a"),
      (#"password='a\'b c' user=a"#, " user=a"),
      ("sqlite:transport.db", "sqlite:transport.db"), ("", ""), ("password=", ""),
    ])
  func redacted(_ url: String, _ expected: String) {
    #expect(URLSecrets.redacted(url) == expected)
  }

  @Test func `the secrets themselves are found where they are`() {
    func found(_ text: String) -> [String] {
      URLSecrets.ranges(in: text).map { String(text[$0]) }
    }
    #expect(found("--into=postgres://u:s3cret@db/x?password=two") == ["s3cret", "two"])
    #expect(found("transport.dat") == [])
  }
}
