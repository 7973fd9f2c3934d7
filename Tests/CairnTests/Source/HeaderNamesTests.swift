import Testing

@testable import Cairn

@Suite struct HeaderNamesTests {
  @Test(arguments: [
    ("Surat Pengantar Barang", "surat_pengantar_barang"),
    ("  Net  Weight (kg) ", "net_weight_kg"),
    ("Größe [m³]", "grosse_m3"),
    ("Ærøskøbing", "aeroskobing"),
    ("Łódź", "lodz"),
    ("Cafe\u{301}", "cafe"),
    ("Œuvre d’art", "oeuvre_d_art"),
    ("İstanbul", "istanbul"),
    ("2024 Total", "_2024_total"),
    ("Цена", "цена"),
    ("数量", "数量"),
    ("__a--b__", "a_b"),
    ("%$#", ""),
    ("ÿŷžſ", "yyzs"),
    ("ŁŊŋŐőŒœŔ", "lnnoooeoer"),
  ])
  func `a name keeps letters and digits`(field: String, name: String) {
    #expect(HeaderNames.normalized(field) == name)
  }

  @Test func `each name is there once, and names that fit are not taken away`() {
    #expect(
      HeaderNames.normalized(["a", "A", "a 2", "", "b", "-", "a_3", "b"])
        == ["a", "a_4", "a_2", "column_4", "b", "column_6", "a_3", "b_2"])
    #expect(HeaderNames.unchanged(["A b", "", "c"]) == ["A b", "column_2", "c"])
  }
}
