/// The master data that deliveries refer to: plants, materials, haulers, customers.
///
/// It is the same for every seed, as a company's master data is the same in every extract.
struct SampleWorld: Sendable {
  static let customers = 20_000
  static let drivers = 12_000
  static let vehicles = 9_000
  static let transporters = 150
  static let materials = 300
  static let plants = 24
  static let users = 120

  let plantNames: TextPool
  let materialNames: TextPool
  let vehicleTypes: TextPool
  let plates: TextPool
  let driverNames: TextPool
  let transporterNames: TextPool
  let customerNames: TextPool
  let addresses: TextPool
  let cities: TextPool
  let provinces: TextPool
  let userNames: TextPool
  let units: TextPool
  let documentStatuses: TextPool
  let remarks: TextPool

  /// The one world there is.
  static let shared = SampleWorld()

  /// For each city the position of its province.
  let provinceOfCity: [Int]

  private init() {
    var random = SplitMix64(seed: 0x5EED_0F_CA1A)
    func pick(_ words: [String]) -> String { words[random.below(words.count)] }

    let places = Self.places
    cities = TextPool(places.map(\.city))
    var provinceNames: [String] = []
    var provinceOfCity: [Int] = []
    for place in places {
      if let known = provinceNames.firstIndex(of: place.province) {
        provinceOfCity.append(known)
      } else {
        provinceOfCity.append(provinceNames.count)
        provinceNames.append(place.province)
      }
    }
    self.provinceOfCity = provinceOfCity
    provinces = TextPool(provinceNames)

    plantNames = TextPool((0..<Self.plants).map { "\(places[$0 * 2].city) \($0 % 3 + 1)" })
    let products = [
      "PCC", "OPC I", "OPC II", "OPC V", "PPC", "SBC", "KLINKER", "MORTAR", "SLAG", "GIPS",
    ]
    let packings = ["CURAH", "ZAK 40KG", "ZAK 50KG", "BIG BAG 1T"]
    materialNames = TextPool(
      (0..<Self.materials).map { "\(products[$0 % 10]) \(packings[$0 / 10 % 4]) \($0 / 40 + 1)" })
    vehicleTypes = TextPool([
      "TRONTON", "TRAILER", "ENGKEL", "DUMP TRUCK", "FUSO", "CAPSULE", "WINGBOX", "COLT DIESEL",
    ])
    let areas = ["B", "L", "W", "N", "AG", "AE", "H", "K", "D", "F", "BE", "BG", "BA", "BK", "DK"]
    let letters = ["A", "C", "E", "F", "J", "K", "N", "P", "R", "S", "T", "U", "V", "X", "Y"]
    plates = TextPool(
      (0..<Self.vehicles).map { _ in
        "\(pick(areas)) \(1_000 + random.below(8_999)) \(pick(letters))\(pick(letters))"
      })
    let first = [
      "Agus", "Budi", "Slamet", "Joko", "Eko", "Dedi", "Hendra", "Wahyu", "Rudi", "Iwan", "Ahmad",
      "Bambang", "Supri", "Yanto", "Andi", "Dwi", "Tri", "Rizki", "Fajar", "Asep", "Ujang", "Made",
    ]
    let last = [
      "Santoso", "Wijaya", "Susanto", "Hidayat", "Saputra", "Setiawan", "Nugroho", "Pratama",
      "Kurniawan", "Siregar", "Nasution", "Harahap", "Lubis", "Gunawan", "Wibowo", "Utomo", "Arif",
    ]
    driverNames = TextPool((0..<Self.drivers).map { _ in "\(pick(first)) \(pick(last))" })
    let firms = ["PT", "CV", "UD"]
    let virtues = [
      "Sinar", "Jaya", "Karya", "Maju", "Makmur", "Abadi", "Sentosa", "Mitra", "Bumi", "Cahaya",
    ]
    transporterNames = TextPool(
      (0..<Self.transporters).map { _ in "\(pick(firms)) \(pick(virtues)) \(pick(virtues)) Trans" })
    let shops = ["TB", "PT", "CV", "UD", "TOKO"]
    customerNames = TextPool(
      (0..<Self.customers).map { _ in
        "\(pick(shops)) \(pick(virtues)) \(pick(virtues)) \(1 + random.below(600))"
      })
    let streets = [
      "Sudirman", "Thamrin", "Diponegoro", "Ahmad Yani", "Gatot Subroto", "Veteran", "Pahlawan",
      "Kartini", "Imam Bonjol", "Hasanuddin", "Merdeka", "Pemuda", "Gajah Mada", "Raya Narogong",
    ]
    addresses = TextPool(
      (0..<Self.customers).map { _ in
        let number = 1 + random.below(280)
        return random.below(3) > 0
          ? "Jl. \(pick(streets)) No. \(number) RT \(1 + random.below(12))/RW \(1 + random.below(9))"
          : "Jl. \(pick(streets)) No. \(number)"
      })
    userNames = TextPool((0..<Self.users).map { "\(pick(first).uppercased())\(10 + $0 % 90)" })
    units = TextPool(["TO", "ZAK", "BAG"])
    documentStatuses = TextPool(["OPEN", "GI", "CLSD", "BLCK"])
    remarks = TextPool([
      "Bongkar malam", "Antri bongkar > 2 jam", "Segel utuh", "Hujan, bongkar ditunda",
      "Toko tutup – kirim ulang", "Ban bocor di jalan", "Kembali sebagian", "Sesuai kontrak",
      "Titip satpam", "Selisih timbang ±0,5%", "Zak sobek 2", "Muat ulang", "Via tol", "DO manual",
      "Penerima: Pak André", "Ganti sopir", "OK", "Surat jalan asli menyusul",
    ])
  }

  private static let places: [(city: String, province: String)] = [
    ("Gresik", "Jawa Timur"), ("Surabaya", "Jawa Timur"), ("Tuban", "Jawa Timur"),
    ("Malang", "Jawa Timur"), ("Kediri", "Jawa Timur"), ("Jember", "Jawa Timur"),
    ("Madiun", "Jawa Timur"), ("Sidoarjo", "Jawa Timur"), ("Rembang", "Jawa Tengah"),
    ("Semarang", "Jawa Tengah"), ("Solo", "Jawa Tengah"), ("Kudus", "Jawa Tengah"),
    ("Cilacap", "Jawa Tengah"), ("Tegal", "Jawa Tengah"), ("Magelang", "Jawa Tengah"),
    ("Yogyakarta", "DI Yogyakarta"), ("Sleman", "DI Yogyakarta"), ("Bantul", "DI Yogyakarta"),
    ("Bandung", "Jawa Barat"), ("Bogor", "Jawa Barat"), ("Bekasi", "Jawa Barat"),
    ("Cirebon", "Jawa Barat"), ("Karawang", "Jawa Barat"), ("Sukabumi", "Jawa Barat"),
    ("Narogong", "Jawa Barat"), ("Depok", "Jawa Barat"), ("Jakarta Utara", "DKI Jakarta"),
    ("Jakarta Barat", "DKI Jakarta"), ("Jakarta Timur", "DKI Jakarta"), ("Cilegon", "Banten"),
    ("Serang", "Banten"), ("Tangerang", "Banten"), ("Bandar Lampung", "Lampung"),
    ("Metro", "Lampung"), ("Palembang", "Sumatera Selatan"), ("Baturaja", "Sumatera Selatan"),
    ("Padang", "Sumatera Barat"), ("Indarung", "Sumatera Barat"), ("Bukittinggi", "Sumatera Barat"),
    ("Pekanbaru", "Riau"), ("Dumai", "Riau"), ("Medan", "Sumatera Utara"),
    ("Binjai", "Sumatera Utara"), ("Belawan", "Sumatera Utara"), ("Lhoknga", "Aceh"),
    ("Banda Aceh", "Aceh"), ("Denpasar", "Bali"), ("Gianyar", "Bali"),
    ("Makassar", "Sulawesi Selatan"), ("Pangkep", "Sulawesi Selatan"),
    ("Maros", "Sulawesi Selatan"),
    ("Banjarmasin", "Kalimantan Selatan"), ("Tarjun", "Kalimantan Selatan"),
    ("Pontianak", "Kalimantan Barat"), ("Samarinda", "Kalimantan Timur"),
    ("Balikpapan", "Kalimantan Timur"),
  ]
}
