import CairnTesting
import CommandParts
import Testing

@Suite struct TrainingLoopTests {
  /// The program kills itself at random moments, and compares with a child that nobody disturbed.
  @Test func theModelIsTheSameToTheBit() async throws {
    let place = try Workplace()
    let outcome = try await ChildProcess(
      ChildCommand(CairnBinary.beside("training-loop"), [], directory: place.path)
    ).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
    #expect(outcome.standardOutput.contains("the model is the same to the bit"))
  }
}
