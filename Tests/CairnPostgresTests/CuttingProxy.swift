import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Stands between a client and a server on loopback, counts what goes to and fro, and cuts the
/// connection when it is told to.
final class CuttingProxy: Sendable {
  private struct Orders {
    var cutsAfterCommit = false
    var bytesLeft: Int?
    var cuts = 0
    var roundTrips = 0
  }

  private let listener: Int32
  private let port: Int
  private let server: Int
  private let orders = Mutex(Orders())

  init(to server: Int) throws {
    self.server = server
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          ? getsockname(listener, $0, &length) : -1
      }
    }
    guard status == 0 else { throw CocoaError(.fileNoSuchFile) }
    self.listener = listener
    port = Int(UInt16(bigEndian: address.sin_port))
    let thread = Thread { [self] in acceptAll() }
    thread.start()
  }

  /// The URL with this proxy in the server's place.
  func redirect(_ url: String) -> String {
    url.replacingOccurrences(of: ":\(server)/", with: ":\(port)/")
  }

  /// Cuts after the next COMMIT was done, before the client hears of it.
  func cutAfterCommit() { orders.withLock { $0.cutsAfterCommit = true } }

  /// How often it has cut.
  var cuts: Int { orders.withLock { $0.cuts } }

  /// How often a client has asked something, however many messages it sent before it waited for the
  /// answer.
  var roundTrips: Int { orders.withLock { $0.roundTrips } }

  /// Cuts when the client has sent that much more.
  func cutAfter(bytes: Int) { orders.withLock { $0.bytesLeft = bytes } }

  private func acceptAll() {
    while true {
      let client = accept(listener, nil, nil)
      guard client >= 0 else { return }
      let upstream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = Self.loopback(port: server)
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(upstream, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0 else {
        close(client)
        close(upstream)
        continue
      }
      let link = Link(client: client, upstream: upstream)
      Thread { [self] in toServer(link) }.start()
      Thread { [self] in toClient(link) }.start()
    }
  }

  /// A client and its connection to the server.
  private final class Link: Sendable {
    let client: Int32
    let upstream: Int32
    let isCutting = Mutex(false)
    /// Whether the client has asked and got no answer yet.
    let isAsking = Mutex(false)

    init(client: Int32, upstream: Int32) {
      self.client = client
      self.upstream = upstream
    }

    func cut() {
      shutdown(client, Int32(SHUT_RDWR))
      shutdown(upstream, Int32(SHUT_RDWR))
    }
  }

  private func toServer(_ link: Link) {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    // The end of a query, whatever precedes it in the same message.
    let commit = Array("COMMIT".utf8) + [0]
    while true {
      let count = recv(link.client, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      let begins = link.isAsking.withLock { isAsking in
        defer { isAsking = true }
        return !isAsking
      }
      let isOver = orders.withLock { orders in
        if begins { orders.roundTrips += 1 }
        if orders.cutsAfterCommit, Array(buffer[..<count]).suffix(commit.count) == commit[...] {
          orders.cutsAfterCommit = false
          orders.cuts += 1
          link.isCutting.withLock { $0 = true }
        }
        guard let left = orders.bytesLeft else { return false }
        orders.bytesLeft = left > count ? left - count : nil
        if left <= count { orders.cuts += 1 }
        return left <= count
      }
      if isOver { break }
      guard send(link.upstream, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
    }
    link.cut()
  }

  private func toClient(_ link: Link) {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = recv(link.upstream, &buffer, buffer.count, 0)
      // The server has answered: it is done.
      guard count > 0, !link.isCutting.withLock({ $0 }) else { break }
      link.isAsking.withLock { $0 = false }
      guard send(link.client, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
    }
    link.cut()
  }

  private static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return address
  }
}
