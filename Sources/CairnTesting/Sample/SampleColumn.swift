/// The columns of the sample: as the extract has them, and as the companion job loads them.
public struct SampleColumn: Sendable, Hashable {
  /// The name in the extract's header, in human words.
  public var header: String
  /// The header normalised: lower case, with underscores.
  public var name: String

  /// The key of a delivery note: `surat_pengantar_barang`.
  public static let key = "surat_pengantar_barang"

  /// What separates fields: `~^`.
  public static let delimiter: [UInt8] = [0x7E, 0x5E]

  /// The 45 columns of the extract, in order.
  public static let all: [SampleColumn] = Field.allCases.map {
    SampleColumn(header: $0.header, name: $0.name)
  }

  /// The fields of a row, by position.
  enum Field: Int, CaseIterable {
    case key, contract, contractItem, plannedDay, company, plant, plantName, storage, material
    case materialName, materialGroup, plate, vehicleType, driver, driverName, transporter
    case transporterName, customer, customerName, address, city, province, orderDay, orderTime
    case weighInDay, weighInTime, weighOutDay, weighOutTime, departureDay, departureTime, arrivalDay
    case arrivalTime, gross, tare, net, quantity, unit, distance, cost, currency, status
    case documentStatus, seal, createdBy, remark

    var header: String {
      switch self {
      case .key: "Surat Pengantar Barang"
      case .contract: "Nomor Kontrak"
      case .contractItem: "Item Kontrak"
      case .plannedDay: "Tanggal Rencana"
      case .company: "Kode Perusahaan"
      case .plant: "Plant"
      case .plantName: "Nama Plant"
      case .storage: "Gudang Asal"
      case .material: "Kode Material"
      case .materialName: "Deskripsi Material"
      case .materialGroup: "Grup Material"
      case .plate: "Nomor Kendaraan"
      case .vehicleType: "Jenis Kendaraan"
      case .driver: "Kode Pengemudi"
      case .driverName: "Nama Pengemudi"
      case .transporter: "Kode Transporter"
      case .transporterName: "Nama Transporter"
      case .customer: "Kode Pelanggan"
      case .customerName: "Nama Pelanggan"
      case .address: "Alamat Tujuan"
      case .city: "Kota Tujuan"
      case .province: "Provinsi Tujuan"
      case .orderDay: "Tanggal Order"
      case .orderTime: "Jam Order"
      case .weighInDay: "Tanggal Timbang Masuk"
      case .weighInTime: "Jam Timbang Masuk"
      case .weighOutDay: "Tanggal Timbang Keluar"
      case .weighOutTime: "Jam Timbang Keluar"
      case .departureDay: "Tanggal Berangkat"
      case .departureTime: "Jam Berangkat"
      case .arrivalDay: "Tanggal Tiba"
      case .arrivalTime: "Jam Tiba"
      case .gross: "Berat Kotor"
      case .tare: "Berat Kosong"
      case .net: "Berat Bersih"
      case .quantity: "Jumlah"
      case .unit: "Satuan"
      case .distance: "Jarak Tempuh"
      case .cost: "Biaya Angkut"
      case .currency: "Mata Uang"
      case .status: "Status Pengiriman"
      case .documentStatus: "Status Dokumen"
      case .seal: "Nomor Segel"
      case .createdBy: "Dibuat Oleh"
      case .remark: "Catatan"
      }
    }

    var name: String { header.lowercased().split(separator: " ").joined(separator: "_") }
  }

  /// A column of the companion job's target, and what it is made of.
  struct Typed {
    enum Content {
      case text(Field)
      case day(Field)
      case moment(day: Field, time: Field)
      case number(Field, scale: Int)
    }

    var name: String
    var content: Content

    /// The 40 columns of the target, in order.
    static let all: [Typed] = {
      var columns: [Typed] = []
      for field in Field.allCases {
        switch field {
        case .plannedDay: columns.append(Typed(name: field.name, content: .day(field)))
        case .orderDay: columns.append(moment("ordered_at", field, .orderTime))
        case .weighInDay: columns.append(moment("weighed_in_at", field, .weighInTime))
        case .weighOutDay: columns.append(moment("weighed_out_at", field, .weighOutTime))
        case .departureDay: columns.append(moment("departed_at", field, .departureTime))
        case .arrivalDay: columns.append(moment("arrived_at", field, .arrivalTime))
        case .orderTime, .weighInTime, .weighOutTime, .departureTime, .arrivalTime: break
        case .gross, .tare, .net, .quantity: columns.append(number(field, scale: 3))
        case .distance: columns.append(number(field, scale: 1))
        case .cost: columns.append(number(field, scale: 2))
        default: columns.append(Typed(name: field.name, content: .text(field)))
        }
      }
      return columns
    }()

    private static func moment(_ name: String, _ day: Field, _ time: Field) -> Typed {
      Typed(name: name, content: .moment(day: day, time: time))
    }

    private static func number(_ field: Field, scale: Int) -> Typed {
      Typed(name: field.name, content: .number(field, scale: scale))
    }

    /// Digits after the point, when the column is a number.
    var scale: Int? {
      if case .number(_, let scale) = content { scale } else { nil }
    }
  }

  /// Names of the target's columns under the companion job, in order.
  public static let typedNames: [String] = Typed.all.map(\.name)
}
