import ArgumentParser
import Features
import Foundation
import Job
import Run

struct PackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Encode data once, into a compact file that trains without parsing.",
    discussion: """
      `deepfm train` reads packed files and text alike, and comes to the same bits from either. Statistics such as means \
      and quantiles are taken from the data packed: pack training data first, and validation data like them.

        deepfm pack day_*.txt.gz --out train.pack
        deepfm pack day_7.txt --like train.pack --out valid.pack

      The layout, with a checksum for each block of rows, is documented in Sources/Features/Packed/PackedFormat.swift.
      """)

  @Argument(help: ArgumentHelp("Text data; files, directories, patterns, or - for standard input.", valueName: "file"))
  var data: [String]

  @Option(help: ArgumentHelp("Where the packed file goes.", valueName: "file"))
  var out: String

  @Option(help: ArgumentHelp("Encode as this packed file is encoded.", valueName: "file"))
  var like: String?

  @Option(help: ArgumentHelp("A vocabulary of `deepfm vocab build`.", valueName: "file"))
  var vocab: String?

  @OptionGroup(title: "Data") var options: DataOptions

  func run() throws {
    try DataFiles.protect(data + [like, vocab].compactMap { $0 }, from: [out])
    let caller = Caller.person(Console())
    var settings = DataSettings()
    options.override(&settings)
    let scratch = try ScratchDirectory("pack")
    defer { scratch.remove() }
    let reading = caller.reading("reading", spool: scratch.path, badRows: settings.badRowPolicy)
    var index: DatasetIndex
    if let like {
      index = try DatasetIndex.build(data, encoding: Packing.encoding(of: like), reading)
    } else {
      index = try DatasetIndex.build(data, schema: settings.readSchema(), reading)
    }
    let vocabulary = try vocabulary(for: &index)
    let packed = try Packing.pack(index, vocabulary: vocabulary, to: out) { rows in
      try caller.show("packing", rows, of: index.rows)
    }
    caller.sayWhatWasFound(index)
    let size = try FileManager.default.attributesOfItem(atPath: out)[.size] as? Int ?? 0
    print(
      "\(Format.count(Double(packed.rows))) rows of \(packed.fields) fields in \(packed.chunks.count) blocks, "
        + "\(Format.count(Double(size))) bytes, \(Format.fixed(Double(size) / Double(max(1, packed.rows)), 1)) a row")
  }

  private func vocabulary(for index: inout DatasetIndex) throws -> Vocabulary? {
    guard let vocab else {
      if let wanted = index.encoding.vocabulary {
        throw ValidationError("--vocab: \(like ?? "") was packed with the vocabulary \(wanted); name its file.")
      }
      return nil
    }
    let (vocabulary, fingerprint) = try VocabularyFile.load(vocab, for: index.encoding)
    if let wanted = index.encoding.vocabulary, wanted != fingerprint {
      throw VocabularyError.other(path: vocab, wanted: wanted, found: fingerprint)
    }
    index.encoding.vocabulary = fingerprint
    return vocabulary
  }
}
