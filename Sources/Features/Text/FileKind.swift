/// What a file is, told by its first bytes.
enum FileKind: Equatable {
  /// Rows, or packed rows, that can be read as they are.
  case plain
  case compressed(Decompression)
  /// What libarchive reads.
  case archive
  case utf16(isLittleEndian: Bool)
  /// Text whose lines end with a carriage return alone.
  case carriageReturns
  case parquet
  /// Known, and not read; and the command that makes something of it that is.
  case foreign(String, remedy: String)

  /// Bytes that are looked at.
  static let sampleSize = 1 << 16

  init(_ bytes: [UInt8]) {
    func begins(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
    func begins(_ magic: StaticString) -> Bool { magic.withUTF8Buffer { bytes.starts(with: $0) } }
    if let decompression = Decompression(firstBytes: bytes) {
      self = .compressed(decompression)
    } else if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) || begins("BZh") || begins([0x04, 0x22, 0x4D, 0x18])
      || begins([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) || bytes.dropFirst(257).starts(with: Array("ustar".utf8))
    {
      self = .archive
    } else if begins("PK\u{3}\u{4}") {
      // A spreadsheet's first file is its list of contents; numpy's are arrays.
      let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
      if text.contains("[Content_Types].xml") {
        self = .foreign(
          "an Excel workbook",
          remedy: "python3 -c 'import pandas; pandas.read_excel(\"FILE\").to_csv(\"rows.csv\", index=False)'")
      } else if text.dropFirst(26).prefix(300).contains(".npy") {
        self = .foreign(
          "numpy's archive of arrays",
          remedy: "python3 -c 'import numpy as n; n.savetxt(\"rows.csv\", n.load(\"FILE\")[\"NAME\"], delimiter=\",\")'"
        )
      } else {
        self = .archive
      }
    } else if begins("PAR1") {
      self = .parquet
    } else if begins("ARROW1") || begins("FEA1") {
      self = .foreign(
        "an Arrow file",
        remedy: "python3 -c 'import pandas; pandas.read_feather(\"FILE\").to_csv(\"rows.csv\", index=False)'")
    } else if begins("ORC") {
      self = .foreign(
        "an ORC file", remedy: "python3 -c 'import pandas; pandas.read_orc(\"FILE\").to_csv(\"rows.csv\", index=False)'"
      )
    } else if begins([0x93]), bytes.dropFirst().starts(with: Array("NUMPY".utf8)) {
      self = .foreign(
        "numpy's array",
        remedy: "python3 -c 'import numpy as n; n.savetxt(\"rows.csv\", n.load(\"FILE\"), delimiter=\",\")'")
    } else if begins([0xD0, 0xCF, 0x11, 0xE0]) {
      self = .foreign(
        "an old Excel workbook", remedy: "libreoffice --headless --convert-to csv FILE")
    } else if begins("SQLite format 3") {
      self = .foreign("an SQLite database", remedy: "sqlite3 -csv -header FILE 'SELECT * FROM name' > rows.csv")
    } else if begins([0xFF, 0xFE]) || begins([0xFE, 0xFF]) {
      self = .utf16(isLittleEndian: bytes[0] == 0xFF)
    } else {
      self = Self.ofText(bytes)
    }
  }

  private static func ofText(_ bytes: [UInt8]) -> FileKind {
    // UTF-16 without a mark: of most letters every other byte is zero, and few of the others.
    let pairs = min(1024, bytes.count / 2)
    if pairs >= 4 {
      let zeros = [0, 1].map { half in (0..<pairs).count { bytes[2 * $0 + half] == 0 } }
      if zeros[0] * 10 < pairs, zeros[1] * 10 > pairs * 7 { return .utf16(isLittleEndian: true) }
      if zeros[1] * 10 < pairs, zeros[0] * 10 > pairs * 7 { return .utf16(isLittleEndian: false) }
    }
    return bytes.contains(13) && !bytes.contains(10) ? .carriageReturns : .plain
  }
}
