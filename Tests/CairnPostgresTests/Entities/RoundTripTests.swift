import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

/// How often a batch waits for the server.
@Suite struct RoundTripTests {
  @Test(arguments: [false, true])
  func `a mark is one round trip, with its state too`(_ hasState: Bool) async throws {
    let place = try await TestServer.place()
    let proxy = try CuttingProxy(to: await TestServer.shared.port)
    let sink = PostgresSink(url: proxy.redirect(place.url), stateSchema: place.stateSchema)
    // No lease is renewed while it is counted.
    let processor = Processor(
      "marks", into: sink, options: ProcessorOptions(leaseDuration: .seconds(3_600)))
    var trips: [Int] = []
    try await processor.forEachBatch(of: 0..<20, id: \.self, size: 1) { _ in
      trips.append(proxy.roundTrips)
      return hasState ? BatchResult(state: [UInt8](repeating: 7, count: 1_000)) : BatchResult()
    }
    // The first may prepare its statement.
    let each = zip(trips.dropFirst(), trips.dropFirst(2)).map { $1 - $0 }
    #expect(each == Array(repeating: 1, count: 18))
  }
}
