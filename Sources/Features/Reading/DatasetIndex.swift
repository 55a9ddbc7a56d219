/// Where the rows of a data set are and how they are encoded: made once by reading through all files, then shared by all
/// who read them.
public struct DatasetIndex: Codable, Sendable, Hashable {
  public struct File: Codable, Sendable, Hashable {
    /// As the user named it, for messages.
    public var name: String
    /// Where it can be sought: the same, or a copy.
    public var path: String
    public var isPacked: Bool
    /// CRC-32C of its bytes, which tells whether two files of one name are copies; of a packed file, of its index.
    public var checksum: UInt32
    /// Where it has the encoding's columns; nil: as the encoding has them.
    public var columns: FileColumns?

    /// The name without directories.
    public var baseName: String { String(name.split(separator: "/").last ?? "") }

    public init(name: String, path: String, isPacked: Bool = false, checksum: UInt32 = 0, columns: FileColumns? = nil) {
      self.name = name
      self.path = path
      self.isPacked = isPacked
      self.checksum = checksum
      self.columns = columns
    }
  }

  public var encoding: Encoding
  public var files: [File]
  /// In the order of the files.
  public var chunks: [Chunk]
  /// Rows that are read.
  public var rows: Int
  /// Those of them that are clicks; 0 where nobody counted them.
  public var positives: Int
  /// What is wrong with the first row that is skipped.
  public var firstBadRow: String?
  /// Rows without a click that are left out, of those skipped; nil: none.
  public var sampledOut: Int? = nil
  /// What a person should know of the files, a sentence each.
  public var remarks: [String]? = nil
  /// By file, the slices that may read it; nil: all slices may read all files.
  public var readers: [[Int]]?

  public var fields: Int { encoding.fields.count }
  public var fieldNames: [String] { encoding.fieldNames }
  /// Bad rows that are left out.
  public var skipped: Int { chunks.reduce(0) { $0 + $1.skipped.count } - (sampledOut ?? 0) }

  public init(
    encoding: Encoding, files: [File], chunks: [Chunk], rows: Int, positives: Int = 0, firstBadRow: String? = nil,
    remarks: [String]? = nil, readers: [[Int]]? = nil
  ) {
    self.encoding = encoding
    self.files = files
    self.chunks = chunks
    self.rows = rows
    self.positives = positives
    self.firstBadRow = firstBadRow
    self.remarks = remarks
    self.readers = readers
  }

  /// Reads through training data and learns its encoding: columns, fields and statistics.
  ///
  /// - Throws: `DatasetError` or `SchemaError`.
  public static func build(_ files: [String], schema: Schema, _ reading: ReadingOptions) throws -> DatasetIndex {
    try DatasetSurvey.run(files, .learn(schema), reading).index(schema)
  }

  /// Reads through other data, which are encoded as the training data are.
  ///
  /// - Throws: `DatasetError`.
  public static func build(_ files: [String], encoding: Encoding, _ reading: ReadingOptions) throws -> DatasetIndex {
    try DatasetSurvey.run(files, .known(encoding), reading).index(nil)
  }
}

/// How data is read through.
public struct ReadingOptions {
  /// A directory for copies of files that cannot be sought, made when needed.
  public var spool: String
  public var badRows: BadRowPolicy
  /// Whether rows have labels; if not, what may be in their place is not looked at.
  public var labels: Bool
  /// Of training data; nil: all rows.
  public var sampling: NegativeSampling?
  /// A chunk's size; nil: a function of the data's size alone, so that who reads which rows when does not depend on the
  /// cluster.
  public var chunkBytes: Int?
  /// nil: one a core.
  public var threads: Int?
  /// Told of bytes read, and of bytes in all; what it throws ends the reading.
  public var progress: ((_ bytesRead: Int, _ total: Int) throws -> Void)?

  public init(
    spool: String, badRows: BadRowPolicy = .fail, labels: Bool = true, sampling: NegativeSampling? = nil,
    chunkBytes: Int? = nil, threads: Int? = nil,
    progress: ((_ bytesRead: Int, _ total: Int) throws -> Void)? = nil
  ) {
    self.spool = spool
    self.badRows = badRows
    self.labels = labels
    self.sampling = sampling
    self.chunkBytes = chunkBytes
    self.threads = threads
    self.progress = progress
  }
}

/// What becomes of rows that cannot be read.
public enum BadRowPolicy: Codable, Sendable, Hashable {
  /// The first ends the reading.
  case fail
  /// They are counted and left out; more than `limit` end the reading.
  case skip(limit: Int)
}
