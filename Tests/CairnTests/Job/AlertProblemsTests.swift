import Testing

@testable import Cairn

@Suite("What is wrong with alerts")
struct AlertProblemsTests {
  private static func mail(
    to addresses: [String] = ["ops@example.com"], _ change: (inout SMTPOptions) -> Void = { _ in }
  ) -> AlertOptions {
    var smtp = SMTPOptions(url: "smtp://mail.example.com:587", from: "cairn@example.com")
    change(&smtp)
    return AlertOptions(email: addresses, smtp: smtp)
  }

  private static let secret = "s3cret"

  private static let serverNeeded =
    "mails need a server: set alerts.smtp.url, or the environment variable CAIRN_SMTP_URL, to "
    + "smtp://HOST:587 or smtps://HOST:465"
  private static let addressExpected =
    "alerts.smtp.url: expected smtp://HOST:587 or smtps://HOST:465, without user, password or "
    + "path: user and password are keys of their own"
  private static let tlsNeeded =
    "alerts.smtp.starttls: a password is sent to another host by TLS only: 'required', or smtps://"

  private static let cases: [(AlertOptions, [String])] = [
    (AlertOptions(webhook: "https://hooks.example.com/x"), []),
    (AlertOptions(heartbeat: "http://10.0.0.1:80/x?y"), []),
    (mail(), []),
    (AlertOptions(), ["alerts: neither email, webhook nor heartbeat says whom to tell"]),
    (AlertOptions(webhook: "https://h", on: []), ["alerts.on: it is empty"]),
    (
      AlertOptions(webhook: "ftp://s3cret", heartbeat: "https://s3cret\r\nX: y"),
      [
        "alerts.webhook: it is no address that starts with https:// or http://",
        "alerts.heartbeat: it is no address that starts with https:// or http://",
      ]
    ),
    (
      AlertOptions(webhook: "https:///s3cret"),
      ["alerts.webhook: it is no address that starts with https:// or http://"]
    ),
    (AlertOptions(email: ["ops@example.com"]), ["alerts.email: \(serverNeeded)"]),
    (
      AlertOptions(webhook: "https://h", smtp: SMTPOptions(url: "smtp://mail")),
      ["alerts.smtp: alerts.email has nobody who would get a mail"]
    ),
    (mail { $0.url = "" }, ["alerts.smtp.url: \(serverNeeded)"]),
    (mail { $0.url = "smtp://me:s3cret@mail" }, [addressExpected]),
    (mail { $0.url = "https://mail/s3cret" }, [addressExpected]),
    (
      mail { $0.from = nil },
      [
        "alerts.smtp.from: the sender's address is needed: set it, or the environment variable "
          + "CAIRN_SMTP_FROM"
      ]
    ),
    (mail { ($0.from, $0.user, $0.password) = (nil, "me@example.com", secret) }, []),
    (
      mail { $0.user = "me" },
      [
        "alerts.smtp.password: the user needs one: set it, or the environment variable "
          + "CAIRN_SMTP_PASSWORD"
      ]
    ),
    (
      mail { $0.password = secret },
      ["alerts.smtp.user: there is a password and nobody it belongs to"]
    ),
    (
      mail { ($0.user, $0.password) = ("me", "s3cret\r\n") },
      ["alerts.smtp.user: user and password are neither empty nor have control characters"]
    ),
    (mail { ($0.user, $0.password, $0.startTLS) = ("me", secret, .never) }, [tlsNeeded]),
    (mail { ($0.user, $0.password, $0.startTLS) = ("me", secret, .optional) }, [tlsNeeded]),
    (mail { $0.startTLS = .never }, []),
    (
      mail {
        ($0.url, $0.user, $0.password, $0.startTLS) = ("smtp://localhost:25", "me", secret, .never)
      }, []
    ),
    (
      mail { ($0.url, $0.startTLS) = ("smtps://mail", .required) },
      ["alerts.smtp.starttls: smtps:// is TLS from the start; leave the key out"]
    ),
    (mail { $0.caFile = "" }, ["alerts.smtp.ca_file: it is empty"]),
    (
      mail(to: (1...21).map { "a\($0)@b" }),
      ["alerts.email: 21 addresses are more than 20; give that of a list instead"]
    ),
  ]

  @Test("Each by its path, and never with a secret", arguments: cases.indices)
  func problems(index: Int) {
    let (options, expected) = Self.cases[index]
    let found = options.problems().map(\.description)
    #expect(found == expected)
    #expect(!found.contains { $0.contains(Self.secret) })
    var job = Job(name: "j", sink: SinkOptions(url: "sqlite:x.db", table: "t"))
    job.alerts = options
    do throws(JobError) {
      try job.validate()
      #expect(expected == [])
    } catch {
      #expect(error.problems.map(\.description) == expected)
    }
  }

  @Test(
    "Mail addresses are plain ASCII with one @",
    arguments: [
      "ops", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "a,b@c", "é@b", "-a@b",
      "",
    ])
  func addresses(address: String) {
    #expect(!MailAddress.isValid(address))
    #expect(
      Self.mail(to: [address]).problems().map(\.description)
        == ["alerts.email: '\(address)' is no mail address"])
  }

  @Test("A server is a scheme, a host and a port, and nothing else")
  func servers() {
    func parts(_ url: String) -> String? {
      SMTPServer(url).map { "\($0.usesTLS) \($0.host) \($0.port) \($0.isLoopback)" }
    }
    #expect(parts("smtp://mail.example.com:2525") == "false mail.example.com 2525 false")
    #expect(parts("smtp://mail.example.com") == "false mail.example.com 587 false")
    #expect(parts("smtps://mail.example.com/") == "true mail.example.com 465 false")
    #expect(parts("smtp://127.0.0.1:25") == "false 127.0.0.1 25 true")
    #expect(parts("smtp://[::1]:25") == "false ::1 25 true")
    #expect(parts("smtp://[2001:db8::1]") == "false 2001:db8::1 587 false")
    #expect(parts("smtp://LOCALHOST") == "false LOCALHOST 587 true")
    // A name that only begins like this host's address is somebody else's.
    #expect(parts("smtp://127.0.0.1.example.com") == "false 127.0.0.1.example.com 587 false")
    for url in [
      "", "smtp://", "smtp://:25", "mail:25", "http://mail", "smtp://mail:0", "smtp://mail:65536",
      "smtp://mail:x", "smtp://me@mail", "smtp://mail/x", "smtp://mail?x", "smtp://ma il",
      "smtp://[::1", "smtp://[x]", "smtp://mail\r\n", "smtp://mäil", "SMTP://mail",
    ] {
      #expect(parts(url) == nil, "\(url)")
    }
  }

  @Test("TLS is required, but of a server on this host")
  func startTLS() throws {
    func rule(_ url: String, _ given: StartTLSRule? = nil) throws -> StartTLSRule {
      let server = try #require(SMTPServer(url))
      return SMTPOptions(url: url, startTLS: given).startTLS(with: server)
    }
    #expect(try rule("smtp://mail") == .required)
    #expect(try rule("smtp://localhost") == .never)
    #expect(try rule("smtp://localhost", .required) == .required)
    #expect(try rule("smtp://mail", .optional) == .optional)
  }
}
