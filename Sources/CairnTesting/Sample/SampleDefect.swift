/// A defect that the sample generator plants in a row.
public enum SampleDefect: String, Sendable, Hashable, Codable, CaseIterable {
  // The order is the order in which they are planted, in turn, so that a file's beginning shows
  // each of them.

  /// The row ends too early: it has fewer fields than the header.
  case tooFewFields = "too_few_fields"
  /// The net weight is not a number.
  case badNetWeight = "bad_net_weight"
  /// The planned day is not a date.
  case badPlannedDate = "bad_planned_date"
  /// The remark has the delimiter in it: more fields than the header.
  case tooManyFields = "too_many_fields"
  /// The freight cost is not a number.
  case badCost = "bad_cost"
  /// The delivery note has no number.
  case missingKey = "missing_key"
  /// The day of arrival is not a date.
  case badArrivalDate = "bad_arrival_date"
  /// The address has bytes that are not UTF-8.
  case invalidEncoding = "invalid_encoding"
  /// The delivery has a status that is not one of its words.
  case unknownStatus = "unknown_status"
  /// The net weight is above the gross weight.
  case netAboveGross = "net_above_gross"

  /// Whether the row is malformed: no reading of its fields as text can accept it.
  public var isMalformed: Bool {
    switch self {
    case .tooFewFields, .tooManyFields, .invalidEncoding: true
    default: false
    }
  }

  /// The rule that a reject of the row names, given the companion job.
  public var rule: String {
    switch self {
    case .tooFewFields, .tooManyFields: "field_count"
    case .invalidEncoding: "encoding"
    case .missingKey: "required"
    case .badNetWeight, .badCost, .badPlannedDate, .badArrivalDate: "type"
    case .unknownStatus: "one_of"
    case .netAboveGross: SampleJob.weightRule
    }
  }

  /// The column at fault, as a reject of the row names it given the companion job, when it is one.
  public var column: String? {
    switch self {
    case .tooFewFields, .tooManyFields, .netAboveGross: nil
    case .invalidEncoding: "alamat_tujuan"
    case .missingKey: SampleColumn.key
    case .badNetWeight: "berat_bersih"
    case .badCost: "biaya_angkut"
    case .badPlannedDate: "tanggal_rencana"
    case .badArrivalDate: "arrived_at"
    case .unknownStatus: "status_pengiriman"
    }
  }
}
