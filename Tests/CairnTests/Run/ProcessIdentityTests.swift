import Foundation
import Testing

@testable import Cairn

@Suite("A process is known by host, pid and start")
struct ProcessIdentityTests {
  @Test func `this process is alive, and the same each time`() {
    let owner = LeaseOwner.current()
    #expect(owner == LeaseOwner.current())
    #expect(owner.pid == ProcessInfo.processInfo.processIdentifier)
    #expect(owner.host == ProcessInfo.processInfo.hostName || !owner.host.isEmpty)
    #expect(owner.isAliveOnThisHost)
  }

  @Test func `another process is alive until it ends, waited for or not`() throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/sleep")
    child.arguments = ["60"]
    try child.run()
    defer { child.terminate() }
    let pid = child.processIdentifier
    let start = try #require(ProcessStart.current(pid: pid))
    var owner = LeaseOwner.current()
    #expect("\(start)" != owner.processStart)
    owner.pid = pid
    // The pid of one process with the start of another: reused.
    #expect(!owner.isAliveOnThisHost)
    owner.processStart = "\(start)"
    #expect(owner.isAliveOnThisHost)
    kill(pid, SIGSTOP)
    #expect(owner.isAliveOnThisHost)
    kill(pid, SIGKILL)
    child.waitUntilExit()
    #expect(!owner.isAliveOnThisHost)
  }

  @Test func `nothing is certain of other hosts, namespaces and unknown notations`() throws {
    var gone = LeaseOwner.current()
    gone.pid = .max
    #expect(!gone.isAliveOnThisHost)
    var elsewhere = gone
    elsewhere.host += ".elsewhere"
    #expect(elsewhere.isAliveOnThisHost)
    var unknown = gone
    unknown.processStart = "long ago"
    #expect(unknown.isAliveOnThisHost)
    let start = try #require(ProcessStart(gone.processStart))
    var contained = gone
    contained.processStart = "\(start.boot)/pid:[1]/\(start.ticks)"
    #expect(contained.isAliveOnThisHost)
  }

  @Test func `after a reboot nobody is alive`() throws {
    var owner = LeaseOwner.current()
    let start = try #require(ProcessStart(owner.processStart))
    owner.processStart = "another-boot/\(start.namespace)/\(start.ticks)"
    #expect(!owner.isAliveOnThisHost)
  }
}
