import CairnTesting
import CommandParts
import Testing

@Suite struct TrainingLoopTests {
  /// The program kills its child behind a commit and at random moments, and compares with one that
  /// nobody disturbed.
  @Test func theModelIsTheSameToTheBit() async throws {
    let place = try Workplace()
    let outcome = try await ChildProcess(
      ChildCommand(CairnBinary.beside("training-loop"), ["kept"], directory: place.path)
    ).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
    #expect(outcome.standardOutput.contains("the model is the same to the bit"))
    let killed = try #require(outcome.standardOutput.firstMatch(of: /killed ([0-9]+) times/))
    #expect(try #require(Int(killed.1)) >= 1)
    // Rows and history are read by somebody else: each game is there once, with the prediction that
    // the undisturbed child made, and an attempt went on from a mark.
    let looked = try await ChildProcess(
      ChildCommand(
        "/usr/bin/env",
        [
          "python3", "-c",
          """
          import sqlite3
          rows = [
              sqlite3.connect(f"kept/{name}.db").execute(
                  "SELECT game, expected, margin FROM predictions ORDER BY game").fetchall()
              for name in ["disturbed", "undisturbed"]]
          saved = sqlite3.connect("kept/disturbed.db").execute(
              "SELECT max(entities_saved) FROM cairn_processing_history").fetchone()[0]
          print(len(rows[0]), len({row[0] for row in rows[0]}), rows[0] == rows[1], saved >= 200)
          """,
        ], directory: place.path)
    ).wait()
    #expect(looked.standardOutput == "450 450 True True\n", "\(looked.standardError)")
  }
}
