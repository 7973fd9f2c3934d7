/// One delivery note as the generator knows it, before it is text.
///
/// A function of the seed, the note's number and its version and nothing else, so that a row written
/// a million rows ago can be had again without having been kept.
struct SampleDocument {
  /// Position of the note among all notes of the extract, or nil for one without a number.
  var ordinal: Int?
  /// 0 for a note's first row; repeated rows carry others. Equal versions are equal rows.
  var version: Int

  var customer: Int
  var contract: Int?
  var contractItem: Int
  /// Days since 1970-01-01, or nil for a zero date.
  var plannedDay: Int?
  var plant: Int
  var storage: Int
  var material: Int
  var vehicle: Int
  var driver: Int
  var transporter: Int
  var city: Int
  /// Seconds since 1970-01-01 of the local clock, or nil for a zero date.
  var ordered: Int?
  var weighedIn: Int?
  var weighedOut: Int?
  var departed: Int?
  var arrived: Int?
  /// Thousandths.
  var gross: Int
  var tare: Int
  var net: Int
  var quantity: Int
  var unit: Int
  /// Tenths.
  var distance: Int
  /// Hundredths.
  var cost: Int
  /// ASCII.
  var status: UInt8
  var documentStatus: Int
  var seal: Int?
  var user: Int
  var remark: Remark
  /// Noise for whatever defect the row gets.
  var noise: UInt64

  /// What the remark says.
  enum Remark {
    case none
    case phrase(Int)
    case phraseAndNumber(Int, Int)
    case phrasesAndTime(Int, Int, minute: Int)
  }

  /// 2024-07-01 00:00:00, when the extract begins.
  private static let epoch = 19_905 * 86_400

  init(seed: UInt64, ordinal: Int, version: Int, hasNumber: Bool = true) {
    var stable = SplitMix64(seed: seed, UInt64(ordinal))
    var changing = SplitMix64(seed: seed, UInt64(ordinal), UInt64(version + 1))

    self.ordinal = hasNumber ? ordinal : nil
    self.version = version
    customer = stable.skewed(SampleWorld.customers)
    let hasContract = stable.below(12) > 0
    contract = hasContract ? (customer * 3 + stable.below(3)) * 13 + 7 : nil
    contractItem = 10 * (1 + stable.skewed(4))
    plant = stable.below(6) > 0 ? customer % SampleWorld.plants : stable.below(SampleWorld.plants)
    storage = plant * 2 + stable.below(2)
    material = stable.skewed(SampleWorld.materials)
    vehicle = stable.skewed(SampleWorld.vehicles)
    driver = (vehicle * 4 / 3 + stable.skewed(3)) % SampleWorld.drivers
    transporter = vehicle % SampleWorld.transporters
    city = customer % 56

    // A month has some 300,000 notes; they are numbered in the order they are made out.
    let start = Self.epoch + ordinal * 864 / 100 + stable.below(600)
    ordered = start
    let weighIn = start + 1_800 + stable.below(86_400)
    weighedIn = weighIn
    let weighOut = weighIn + 1_200 + stable.skewed(9_000)
    let departure = weighOut + 120 + stable.skewed(2_400)
    plannedDay = stable.below(40) == 0 ? nil : start / 86_400 + 1 + stable.skewed(5)

    let type = vehicle % 8
    tare = 4_000 + type * 1_400 + vehicle % 97 * 10 + stable.below(260)
    let payload = 6_000 + type * 4_000 + stable.below(6_000) + changing.below(3) * 20
    let returned = stable.below(64) == 0
    gross = returned ? 0 : tare + payload
    net = gross - tare
    unit = material / 10 % 4 == 0 ? 0 : material / 10 % 4 == 3 ? 2 : 1
    quantity = unit == 1 ? net / 40 * 1_000 : net
    distance = 50 + (customer * 7_919 + plant * 104_729) % 4_750 + stable.below(90)
    cost = (distance * (180 + transporter % 40) * (net.magnitude < 20_000 ? 1 : 2)) * 10
    if changing.below(version == 0 ? 90 : 20) == 0 { cost = -cost }

    // The life of a note: A made out, B on its way, C arrived, X cancelled.
    let stage = changing.below(version == 0 ? 20 : 60)
    switch stage {
    case 0: status = UInt8(ascii: "A")
    case 1: status = UInt8(ascii: "X")
    case 2, 3: status = UInt8(ascii: "B")
    default: status = UInt8(ascii: "C")
    }
    weighedOut = stage == 0 ? nil : weighOut
    departed = stage == 0 ? nil : departure
    arrived =
      stage <= 3 ? nil : departure + distance * 12 + changing.skewed(7_200) + version * 3_600
    documentStatus = stage == 1 ? 3 : stage == 0 ? 0 : stage <= 3 ? 1 : 2
    seal = stable.below(20) == 0 ? nil : 1_000_000 + ordinal / 2 + stable.below(40_000)
    user = stable.skewed(SampleWorld.users)
    let phrase = changing.skewed(18)
    switch changing.below(10) {
    case 0..<3: remark = .none
    case 3..<4: remark = .phrase(phrase)
    case 4..<8: remark = .phraseAndNumber(phrase, changing.below(100_000_000))
    default:
      remark = .phrasesAndTime(phrase, changing.skewed(18), minute: changing.below(1_440))
    }
    noise = changing.next()
  }
}
