/// A game: who played, and by how many points the first side won.
struct Game: Sendable {
  var id: String
  var home: Int
  var away: Int
  var margin: Double
}

/// A season of 450 games between 30 teams, the same each time.
func season() -> [Game] {
  var state: UInt64 = 42
  func random() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 33) / Double(1 << 31)
  }
  return (0..<450).map { number in
    let home = number % 30
    return Game(
      id: "game-\(1_000 + number)", home: home, away: (home + 1 + number / 30) % 30,
      margin: 20 * random() - 8)
  }
}

/// How strong each team is, learned game by game: each game changes what the next one is compared
/// with, so the order counts, and so does every bit.
struct Ratings: Codable, Sendable {
  var strength = [Double](repeating: 0, count: 30)
  var games = 0

  /// Learns from a game.
  ///
  /// - Returns: What was expected before it.
  mutating func learn(_ game: Game) -> Double {
    let expected = strength[game.home] - strength[game.away] + 2.5
    let step = 0.1 * (game.margin - expected) / (1 + Double(games) / 450)
    strength[game.home] += step
    strength[game.away] -= step
    games += 1
    return expected
  }

  /// The bits of every number.
  var bits: String {
    strength.map { String($0.bitPattern, radix: 16) }.joined(separator: " ")
  }
}
