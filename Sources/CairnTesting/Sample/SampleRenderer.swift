/// Writes delivery notes as rows of the extract, and in the canonical form that digests are made of.
struct SampleRenderer {
  private let world = SampleWorld.shared
  private let fieldCount = SampleColumn.Field.allCases.count

  /// The header, with its line end.
  func header(to writer: inout ByteWriter) {
    for (index, column) in SampleColumn.all.enumerated() {
      if index > 0 { writer.put("~^") }
      var header = column.header
      header.withUTF8 { writer.put(UnsafeRawBufferPointer($0)) }
    }
    writer.put(0x0A)
  }

  /// Appends a row with its line end.
  ///
  /// - Parameter ends: Gets where each field ends in the writer, as written: the next one begins two
  ///   bytes on. Means nothing for a malformed row.
  func row(
    _ note: borrowing SampleDocument, defect: SampleDefect?, to writer: inout ByteWriter,
    ends: inout [Int]
  ) {
    ends.removeAll(keepingCapacity: true)
    func end(_ writer: inout ByteWriter) {
      ends.append(writer.count)
      if ends.count < fieldCount { writer.put("~^") }
    }

    if let ordinal = note.ordinal { writer.put(digits: Self.number(of: ordinal), width: 10) }
    end(&writer)
    if let contract = note.contract { writer.put(digits: 4_600_000_000 + contract, width: 10) }
    end(&writer)
    writer.put(digits: note.contractItem, width: 6)
    end(&writer)
    if defect == .badPlannedDate {
      badDate(note.noise, to: &writer)
    } else {
      day(note.plannedDay, to: &writer)
    }
    end(&writer)
    writer.put(digits: 1_000 + note.plant / 8 * 1_000, width: 4)
    end(&writer)
    writer.put("P")
    writer.put(digits: 101 + note.plant * 3, width: 3)
    end(&writer)
    writer.put(world.plantNames, note.plant)
    end(&writer)
    writer.put("G")
    writer.put(digits: note.storage, width: 3)
    end(&writer)
    writer.put("M-")
    writer.put(digits: 400_000 + note.material * 17, width: 6)
    end(&writer)
    writer.put(world.materialNames, note.material)
    end(&writer)
    writer.put("MG")
    writer.put(digits: note.material % 20, width: 2)
    end(&writer)
    writer.put(world.plates, note.vehicle)
    end(&writer)
    writer.put(world.vehicleTypes, note.vehicle % 8)
    end(&writer)
    writer.put("D")
    writer.put(digits: note.driver * 31, width: 6)
    end(&writer)
    writer.put(world.driverNames, note.driver)
    end(&writer)
    writer.put("T")
    writer.put(digits: 300 + note.transporter * 7, width: 5)
    end(&writer)
    writer.put(world.transporterNames, note.transporter)
    end(&writer)
    writer.put("C")
    writer.put(digits: 20_000 + note.customer * 11, width: 7)
    end(&writer)
    writer.put(world.customerNames, note.customer)
    end(&writer)
    if defect == .invalidEncoding {
      // Latin-1 that slipped in, a byte no encoding of Unicode has, or a torn character.
      switch note.noise % 3 {
      case 0:
        writer.put("Jl. Andr")
        writer.put(0xE9)
      case 1: writer.put(0xFF)
      default: break
      }
      writer.put(world.addresses, note.customer)
      if note.noise % 3 == 2 { writer.put(0xC3) }
    } else {
      writer.put(world.addresses, note.customer)
    }
    end(&writer)
    writer.put(world.cities, note.city)
    end(&writer)
    writer.put(world.provinces, world.provinceOfCity[note.city])
    end(&writer)
    moment(note.ordered, to: &writer, end)
    moment(note.weighedIn, to: &writer, end)
    moment(note.weighedOut, to: &writer, end)
    moment(note.departed, to: &writer, end)
    if defect == .badArrivalDate {
      badDate(note.noise, to: &writer)
      end(&writer)
      writer.put("101500")
      end(&writer)
    } else {
      moment(note.arrived, to: &writer, end)
    }
    number(note.gross, scale: 3, to: &writer)
    end(&writer)
    number(note.tare, scale: 3, to: &writer)
    end(&writer)
    switch defect {
    case .badNetWeight: badNumber(note.noise, to: &writer)
    case .netAboveGross: number(note.gross + 1_000, scale: 3, to: &writer)
    default: number(note.net, scale: 3, to: &writer)
    }
    end(&writer)
    number(note.quantity, scale: 3, to: &writer)
    end(&writer)
    writer.put(world.units, note.unit)
    end(&writer)
    number(note.distance, scale: 1, to: &writer)
    end(&writer)
    if defect == .badCost {
      badNumber(note.noise, to: &writer)
    } else {
      number(note.cost, scale: 2, to: &writer)
    }
    end(&writer)
    writer.put("IDR")
    end(&writer)
    writer.put(defect == .unknownStatus ? UInt8(ascii: "Z") : note.status)
    end(&writer)
    writer.put(world.documentStatuses, note.documentStatus)
    end(&writer)
    if let seal = note.seal {
      writer.put("SG")
      writer.put(digits: seal, width: 7)
    }
    end(&writer)
    writer.put(world.userNames, note.user)
    end(&writer)
    switch note.remark {
    case .none: break
    case .phrase(let phrase): writer.put(world.remarks, phrase)
    case .phraseAndNumber(let phrase, let number):
      writer.put(world.remarks, phrase)
      writer.put(", ref SJ-")
      writer.put(digits: number, width: 8)
    case .phrasesAndTime(let first, let second, let minute):
      writer.put(world.remarks, first)
      writer.put("; ")
      writer.put(world.remarks, second)
      writer.put(" (jam ")
      writer.put(digits: minute / 60, width: 2)
      writer.put(".")
      writer.put(digits: minute % 60, width: 2)
      writer.put(")")
    }
    if defect == .tooManyFields {
      writer.put("~^lihat DO")
      if note.noise % 2 == 0 { writer.put("~^") }
    }
    end(&writer)
    if defect == .tooFewFields {
      writer.truncate(to: ends[fieldCount - 2 - Int(note.noise % 20)])
    }
    writer.put(0x0A)
  }

  /// The number of a note: ten digits, zeros in front.
  static func number(of ordinal: Int) -> Int { 80_000_000 + ordinal }

  // MARK: Fields

  private func day(_ day: Int?, to writer: inout ByteWriter) {
    guard let day else { return writer.put("00000000") }
    let date = CivilDay(day)
    writer.put(digits: date.year, width: 4)
    writer.put(digits: date.month, width: 2)
    writer.put(digits: date.day, width: 2)
  }

  private func moment(
    _ seconds: Int?, to writer: inout ByteWriter, _ end: (inout ByteWriter) -> Void
  ) {
    day(seconds.map { $0 / 86_400 }, to: &writer)
    end(&writer)
    let time = (seconds ?? 0) % 86_400
    writer.put(digits: time / 3_600, width: 2)
    writer.put(digits: time / 60 % 60, width: 2)
    writer.put(digits: time % 60, width: 2)
    end(&writer)
  }

  private func number(_ value: Int, scale: Int, to writer: inout ByteWriter) {
    writer.put(magnitude: value, scale: scale)
    if value < 0 { writer.put(UInt8(ascii: "-")) }
  }

  private func badNumber(_ noise: UInt64, to writer: inout ByteWriter) {
    switch noise % 4 {
    case 0: writer.put("N/A")
    case 1: writer.put("12.3.4")
    case 2: writer.put("1O.250")
    default: writer.put("--")
    }
  }

  private func badDate(_ noise: UInt64, to writer: inout ByteWriter) {
    switch noise % 3 {
    case 0: writer.put("20250230")
    case 1: writer.put("2025JAN1")
    default: writer.put("20251345")
    }
  }

  // MARK: Canonical form

  /// Appends the canonical form of a row as text: each field, or a NUL for an empty one, and 0x1F
  /// after each.
  func canonicalText(
    of row: borrowing ByteWriter, from start: Int, ends: [Int], to writer: inout ByteWriter,
    tally: inout SampleTally
  ) {
    var begin = start
    for (index, end) in ends.enumerated() {
      put(text: row.bytes(begin..<end), column: index, to: &writer, tally: &tally)
      begin = end + 2
    }
  }

  /// Appends the canonical form of a row under the companion job.
  func canonicalTyped(
    _ note: borrowing SampleDocument, of row: borrowing ByteWriter, from start: Int, ends: [Int],
    to writer: inout ByteWriter, tally: inout SampleTally
  ) {
    for (index, column) in SampleColumn.Typed.all.enumerated() {
      switch column.content {
      case .text(let field):
        let begin = field.rawValue == 0 ? start : ends[field.rawValue - 1] + 2
        put(
          text: row.bytes(begin..<ends[field.rawValue]), column: index, to: &writer, tally: &tally)
      case .day:
        put(canonicalDay: note.plannedDay, column: index, to: &writer, tally: &tally)
        writer.put(0x1F)
      case .moment(let day, _):
        let seconds =
          switch day {
          case .orderDay: note.ordered
          case .weighInDay: note.weighedIn
          case .weighOutDay: note.weighedOut
          case .departureDay: note.departed
          default: note.arrived
          }
        put(
          canonicalDay: seconds.map { $0 / 86_400 }, column: index, to: &writer, tally: &tally)
        if let seconds {
          let time = seconds % 86_400
          writer.put(UInt8(ascii: " "))
          writer.put(digits: time / 3_600, width: 2)
          writer.put(UInt8(ascii: ":"))
          writer.put(digits: time / 60 % 60, width: 2)
          writer.put(UInt8(ascii: ":"))
          writer.put(digits: time % 60, width: 2)
        }
        writer.put(0x1F)
      case .number(let field, let scale):
        let value =
          switch field {
          case .gross: note.gross
          case .tare: note.tare
          case .net: note.net
          case .quantity: note.quantity
          case .distance: note.distance
          default: note.cost
          }
        if value < 0 { writer.put(UInt8(ascii: "-")) }
        writer.put(magnitude: value, scale: scale)
        writer.put(0x1F)
        tally.fill(column: index)
        tally.add(Int128(value), toColumn: index)
      }
    }
  }

  private func put(
    text: UnsafeRawBufferPointer, column: Int, to writer: inout ByteWriter,
    tally: inout SampleTally
  ) {
    if text.isEmpty {
      writer.put(0x00)
    } else {
      writer.put(text)
      tally.fill(column: column)
    }
    writer.put(0x1F)
  }

  private func put(
    canonicalDay day: Int?, column: Int, to writer: inout ByteWriter, tally: inout SampleTally
  ) {
    guard let day else { return writer.put(0x00) }
    let date = CivilDay(day)
    writer.put(digits: date.year, width: 4)
    writer.put(UInt8(ascii: "-"))
    writer.put(digits: date.month, width: 2)
    writer.put(UInt8(ascii: "-"))
    writer.put(digits: date.day, width: 2)
    tally.fill(column: column)
  }
}

/// A day of the Gregorian calendar, after Howard Hinnant's `civil_from_days`; from 1970 on.
private struct CivilDay {
  let year: Int
  let month: Int
  let day: Int

  init(_ days: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }
}
