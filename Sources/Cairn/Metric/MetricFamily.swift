/// The figures of one name, as Prometheus's text format groups them.
struct MetricFamily: Sendable, Hashable {
  /// What kind they are, in the words of the format.
  enum Kind: String, Sendable, Hashable {
    case counter, gauge, histogram, summary
    case untyped
  }

  /// The upper ends of a histogram's buckets, in seconds: from a commit to a night.
  static let buckets: [Double] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
    1_800, 3_600, 7_200, 14_400,
  ]

  var name: String
  var kind: Kind
  var help: String?
  /// The figures; of a histogram `_bucket`, `_sum` and `_count`.
  var samples: [MetricSample] = []

  init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
    help = CairnMetric.all.first { $0.name == name }?.help
  }

  mutating func add(_ amount: Double, _ labels: [MetricLabel], suffix: String = "") {
    samples[index(suffix, labels)].value += amount
  }

  mutating func set(_ value: Double, _ labels: [MetricLabel]) {
    samples[index("", labels)].value = value
  }

  mutating func observe(_ value: Double, _ labels: [MetricLabel]) {
    guard value.isFinite else { return }
    if kind == .histogram {
      for limit in Self.buckets {
        add(
          value <= limit ? 1 : 0,
          labels + [MetricLabel(name: "le", value: MetricText.number(limit))],
          suffix: "_bucket")
      }
      add(1, labels + [MetricLabel(name: "le", value: "+Inf")], suffix: "_bucket")
    }
    add(value, labels, suffix: "_sum")
    add(1, labels, suffix: "_count")
  }

  private mutating func index(_ suffix: String, _ labels: [MetricLabel]) -> Int {
    if let known = samples.firstIndex(where: { $0.suffix == suffix && $0.labels == labels }) {
      return known
    }
    samples.append(MetricSample(suffix: suffix, labels: labels, value: 0))
    return samples.count - 1
  }

  /// The figures of another time added to these: what accumulates is summed, the rest replaced.
  mutating func merge(_ newer: MetricFamily) {
    for sample in newer.samples {
      switch kind {
      case .counter, .histogram, .summary: add(sample.value, sample.labels, suffix: sample.suffix)
      case .gauge, .untyped: samples[index(sample.suffix, sample.labels)].value = sample.value
      }
    }
    help = newer.help ?? help
  }

  /// What came since an earlier time. One that was reset counts from zero.
  func since(_ earlier: MetricFamily?) -> MetricFamily {
    guard kind != .gauge, let earlier else { return self }
    var rest = self
    for position in rest.samples.indices {
      let sample = rest.samples[position]
      let before =
        earlier.samples.first { $0.suffix == sample.suffix && $0.labels == sample.labels }?.value
        ?? 0
      rest.samples[position].value = sample.value >= before ? sample.value - before : sample.value
    }
    return rest
  }
}

/// A figure.
struct MetricSample: Sendable, Hashable {
  /// What follows the family's name: `_sum`, or nothing.
  var suffix: String
  var labels: [MetricLabel]
  var value: Double
}

/// A dimension of a figure.
struct MetricLabel: Sendable, Hashable {
  var name: String
  var value: String
}

/// Names as Prometheus takes them.
enum MetricName {
  /// Letters, digits, `_` and `:`; other bytes become `_`.
  static func valid(_ name: String) -> String { cleaned(name, allowsColon: true) }

  /// Letters, digits and `_`.
  static func validLabel(_ name: String) -> String { cleaned(name, allowsColon: false) }

  private static func cleaned(_ name: String, allowsColon: Bool) -> String {
    var cleaned = ""
    for byte in name.utf8 {
      let isLetter = (byte.asciiLowercased &- 0x61) < 26 || byte == 0x5F
      let isDigit = byte.digitValue < 10
      if isDigit, cleaned.isEmpty { cleaned = "_" }
      let isValid = isLetter || isDigit || (allowsColon && byte == 0x3A)
      cleaned.unicodeScalars.append(isValid ? UnicodeScalar(byte) : "_")
    }
    return cleaned.isEmpty ? "_" : cleaned
  }
}
