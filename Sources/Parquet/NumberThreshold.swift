/// Where a literal lies among the floating-point numbers that a column stores.
enum NumberThreshold: Equatable {
  case at(Double)
  /// Between this number and the one before it.
  case before(Double)
  /// Between this number and the next.
  case after(Double)
  /// Nowhere: a NaN.
  case unordered

  /// The place of a literal; nil if it is no number.
  init?(_ literal: PredicateValue.Kind) {
    switch literal {
    case .double(let number): self = number.isNaN ? .unordered : .at(number)
    case .integer(let number): self.init(number)
    case .decimal(let unscaled, let scale): self.init(unscaled: unscaled, scale: scale)
    case .boolean, .string, .bytes, .date, .time, .timestamp: return nil
    }
  }

  /// The place of a whole number, which may lie between two that `Double` has.
  private init(_ number: Int128) {
    let nearest = Double(number)
    // 2^127 alone is beyond `Int128`, and so beyond the literal.
    guard let exact = Int128(exactly: nearest) else {
      self = .before(nearest)
      return
    }
    self = exact == number ? .at(nearest) : exact < number ? .after(nearest) : .before(nearest)
  }

  /// The place of a decimal. Against a fraction a number counts by its shortest digits, as a literal does
  /// against columns of decimals: 0.1 is the decimal 0.1.
  private init(unscaled: Int128, scale: Int) {
    // Far beyond what `Double` has either way, which changes nothing.
    let scale = min(max(scale, -1000), 1000)
    if let whole = UnscaledNumber.rescaled(unscaled, from: scale, to: 0) {
      self.init(whole)
      return
    }
    let sign = scale > 0 ? "-" : ""
    let nearest = Double("\(unscaled)e\(sign)\(scale.magnitude)") ?? .nan
    switch PredicateThreshold(nearest, columnScale: scale) {
    case .at(let number) where number == unscaled: self = .at(nearest)
    case .at(let number): self = number < unscaled ? .after(nearest) : .before(nearest)
    case .after(let number): self = number < unscaled ? .after(nearest) : .before(nearest)
    case .belowAll: self = .after(nearest)
    case .aboveAll: self = .before(nearest)
    case .unordered: self = .unordered
    }
  }

  /// The numbers that compare so with the literal.
  func values(_ comparison: RowPredicate.Comparison) -> ValueSet<Double> {
    switch (self, comparison) {
    case (.at(let number), _): ValueSet(comparison, number)
    case (_, .equal): .nothing
    case (_, .notEqual): .everything
    case (.unordered, _): .nothing
    case (.before(let number), .less), (.before(let number), .lessOrEqual):
      ValueSet(.less, number)
    case (.before(let number), .greater), (.before(let number), .greaterOrEqual):
      ValueSet(.greaterOrEqual, number)
    case (.after(let number), .less), (.after(let number), .lessOrEqual):
      ValueSet(.lessOrEqual, number)
    case (.after(let number), .greater), (.after(let number), .greaterOrEqual):
      ValueSet(.greater, number)
    }
  }
}
